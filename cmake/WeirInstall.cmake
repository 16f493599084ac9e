# cmake --install, find_package(weir), pkg-config, and the Debian packages that CPack builds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(WEIR_LIBRARIES value core http client caf)
foreach(library ${WEIR_LIBRARIES})
  set_target_properties(weir_${library} PROPERTIES EXPORT_NAME ${library})
  list(APPEND WEIR_TARGETS weir_${library})
endforeach()
set(WEIR_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/weir)

install(TARGETS ${WEIR_TARGETS} EXPORT weir-targets ARCHIVE COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY actors/include/weir persistence/include/weir http/include/weir
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT weir-targets NAMESPACE weir:: DESTINATION ${WEIR_CMAKE_DIR} COMPONENT development)

configure_package_config_file(cmake/weir-config.cmake.in ${PROJECT_BINARY_DIR}/weir-config.cmake
  INSTALL_DESTINATION ${WEIR_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weir-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weir-config.cmake ${PROJECT_BINARY_DIR}/weir-config-version.cmake
  cmake/WeirLinkDependencies.cmake DESTINATION ${WEIR_CMAKE_DIR} COMPONENT development)

configure_file(cmake/weir.pc.in ${PROJECT_BINARY_DIR}/weir.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/weir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

if(WEIR_TOOLS)
  install(TARGETS weir-command RUNTIME COMPONENT command)
  # The command itself writes them.
  foreach(made "man:weir.1" "completion bash:weir.bash" "completion zsh:_weir")
    string(REGEX REPLACE ":.*" "" verb "${made}")
    string(REGEX REPLACE ".*:" "" file "${made}")
    separate_arguments(verb)
    add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/made/${file} DEPENDS weir-command
      COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/made
      COMMAND weir-command ${verb} > ${PROJECT_BINARY_DIR}/made/${file})
    list(APPEND WEIR_MADE ${PROJECT_BINARY_DIR}/made/${file})
  endforeach()
  add_custom_target(weir-made ALL DEPENDS ${WEIR_MADE})
  install(FILES ${PROJECT_BINARY_DIR}/made/weir.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT command)
  install(FILES ${PROJECT_BINARY_DIR}/made/weir.bash RENAME weir
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT command)
  install(FILES ${PROJECT_BINARY_DIR}/made/_weir DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT command)
endif()
foreach(component command development)
  set(package weir)
  if(component STREQUAL development)
    set(package libweir-dev)
  endif()
  install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_CONTACT "The Weir authors")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL command development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME weir)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION net)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS "g++, libweir-dev")
set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS graphviz)
set(CPACK_COMPONENT_COMMAND_DESCRIPTION "A workflow server: serves workflows written in C++, and talks to servers that do.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libweir-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libcaf-dev, libsqlite3-dev, libfmt-dev, libhttp-parser-dev, libssl-dev, zlib1g-dev, libcurl4-openssl-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "A workflow server: headers and libraries for programs that embed it.")
include(CPack)
