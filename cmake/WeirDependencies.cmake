# Finds what Debian 12 packages, and current upstream releases of the same libraries: what Weir is built with.
set(WEIR_DEPENDENCIES_OF core http client caf)
include(WeirLinkDependencies)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(restinio CONFIG REQUIRED) # after fmt, which its targets name but never find

# Our own servers hand many small objects from thread to thread, which costs jemalloc less than glibc, and give memory back to the
# system within seconds of when it was last needed, which glibc and mimalloc do not, as threads that rest keep theirs. Programs
# that embed Weir choose for themselves: link weir::allocator, or do not. Sanitizers bring their own.
add_library(weir_allocator INTERFACE)
add_library(weir::allocator ALIAS weir_allocator)
if(NOT WEIR_SANITIZE)
  find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
  target_sources(weir_allocator INTERFACE ${PROJECT_SOURCE_DIR}/cmake/allocator.cpp)
  target_link_libraries(weir_allocator INTERFACE "-Wl,--no-as-needed" ${JEMALLOC_LIBRARY} "-Wl,--as-needed")
endif()
