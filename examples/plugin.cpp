// A file without main(): `weir serve plugin.cpp` compiles and loads it, perhaps beside others.
#include "greeting.hpp"

#include <weir/plugin.hpp>

WEIR_EXPORT(server) { server.add_workflow<examples::GreetingFlow>("greeting"); }
