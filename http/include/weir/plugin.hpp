// Workflows for `weir serve FILE`, exported by one line:
//
//   WEIR_EXPORT(server) { server.add_workflow<JokeFlow>("joke"); }
//
// The function is called once for each load with the server that will run the workflows, before it begins to serve, or, when
// `weir serve --watch` loads a changed file, while it serves. An exception refuses the file.
#pragma once

#include <weir/server.hpp>
#include <weir/version.hpp>

#define WEIR_ABI_TEXT_(x) #x
#define WEIR_ABI_TEXT(x) WEIR_ABI_TEXT_(x)
/// What a library and the `weir` that loads it must have in common.
#define WEIR_ABI "weir " WEIR_VERSION ", C++ ABI " WEIR_ABI_TEXT(__GXX_ABI_VERSION)

#define WEIR_EXPORT(server)                                     \
  extern "C" const char* weir_plugin_abi() { return WEIR_ABI; } \
  extern "C" void weir_plugin_add_workflows(weir::WorkflowServer& server)
