# Finds what Debian 12 packages, and current upstream releases of the same libraries.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(fmt REQUIRED) # before restinio, whose targets name fmt::fmt but never find it
find_package(OpenSSL REQUIRED)
find_package(restinio CONFIG REQUIRED)

# CAF 0.18 and later ship a package configuration, Debian's 0.17.6 does not.
find_package(CAF CONFIG QUIET COMPONENTS core)
if(NOT TARGET CAF::core)
  find_path(CAF_INCLUDE_DIR caf/all.hpp REQUIRED)
  find_library(CAF_CORE_LIBRARY caf_core REQUIRED)
  add_library(CAF::core UNKNOWN IMPORTED)
  set_target_properties(CAF::core PROPERTIES IMPORTED_LOCATION "${CAF_CORE_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
  target_link_libraries(CAF::core INTERFACE Threads::Threads)
endif()

# Our own servers hand many small objects from thread to thread, which costs mimalloc a fifth less than glibc. Programs
# that embed Weir choose for themselves: link weir::allocator, or do not. Sanitizers bring their own.
add_library(weir_allocator INTERFACE)
add_library(weir::allocator ALIAS weir_allocator)
if(NOT WEIR_SANITIZE)
  find_package(mimalloc REQUIRED)
  target_link_libraries(weir_allocator INTERFACE "-Wl,--no-as-needed" mimalloc "-Wl,--as-needed")
endif()
