// The version of this Weir. CMake and the packages read it from here.
#pragma once

#define WEIR_VERSION "0.1.0"
