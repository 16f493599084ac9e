# Finds what a program that links Weir's libraries needs, for the components in WEIR_DEPENDENCIES_OF. Installed with them.
if(NOT TARGET Threads::Threads)
  set(THREADS_PREFER_PTHREAD_FLAG ON)
  find_package(Threads REQUIRED)
endif()

# The client and what it stands on need neither.
if(WEIR_DEPENDENCIES_OF MATCHES "core|http|caf")
  find_package(SQLite3 REQUIRED)

  # CAF 0.18 and later ship a package configuration, Debian's 0.17.6 does not.
  find_package(CAF CONFIG QUIET COMPONENTS core io)
  foreach(module core io)
    if(NOT TARGET CAF::${module})
      find_path(CAF_INCLUDE_DIR caf/all.hpp REQUIRED)
      find_library(CAF_${module}_LIBRARY caf_${module} REQUIRED)
      add_library(CAF::${module} UNKNOWN IMPORTED)
      set_target_properties(CAF::${module} PROPERTIES IMPORTED_LOCATION "${CAF_${module}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
      target_link_libraries(CAF::${module} INTERFACE Threads::Threads)
    endif()
  endforeach()
endif()

if("http" IN_LIST WEIR_DEPENDENCIES_OF)
  find_package(fmt REQUIRED)
  find_package(OpenSSL REQUIRED)
  find_package(ZLIB REQUIRED)
  # RESTinio 0.6 parses with http_parser, later releases with llhttp.
  find_library(WEIR_HTTP_PARSER_LIBRARY NAMES http_parser llhttp REQUIRED)
endif()
if("client" IN_LIST WEIR_DEPENDENCIES_OF)
  find_package(CURL REQUIRED)
endif()
