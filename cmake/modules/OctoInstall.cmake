# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What `cmake --install` gives to projects that build on Octopus, beside the
# tools: headers, libraries (octo_export), targets and a package. There are two
# sets of libraries, so that who only runs programs needs no MLIR.

include(CMakePackageConfigHelpers)

install(DIRECTORY include/octo include/octo-c
  DESTINATION include COMPONENT development
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.fbs")
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/octo
  DESTINATION include COMPONENT development
  FILES_MATCHING PATTERN "*.h" PATTERN "*.inc" PATTERN CMakeFiles EXCLUDE)
install(DIRECTORY examples/targets
  DESTINATION share/octopus COMPONENT development
  FILES_MATCHING PATTERN "*.yaml")

set(octo_package lib/cmake/Octopus)
foreach(export OctopusTargets OctopusCompilerTargets)
  install(EXPORT ${export} NAMESPACE Octopus::
    DESTINATION ${octo_package} COMPONENT development)
endforeach()

get_property(OCTO_COMPILER_LIBRARIES GLOBAL PROPERTY OCTO_COMPILER_LIBRARIES)
set(octo_include_dir include)
set(octo_library_dir lib)
set(octo_targets_dir share/octopus/targets)
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/OctopusConfig.cmake.in
  ${PROJECT_BINARY_DIR}/OctopusConfig.cmake
  INSTALL_DESTINATION ${octo_package}
  PATH_VARS octo_include_dir octo_library_dir octo_targets_dir)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/OctopusConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/OctopusConfig.cmake
  ${PROJECT_BINARY_DIR}/OctopusConfigVersion.cmake
  DESTINATION ${octo_package} COMPONENT development)
