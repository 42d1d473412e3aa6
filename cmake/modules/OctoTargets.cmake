# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# How every library and tool of Octopus is declared, so that the floors of the
# house (compiler, program, runtime) stay visible in the build.

# MLIR's headers misbehave against the release library without NDEBUG, whatever
# our own build type. Our checks use OCTO_ASSERT, which OCTO_CHECKS turns on.
add_compile_definitions(NDEBUG)
if(CMAKE_BUILD_TYPE STREQUAL "Debug" OR OCTO_SANITIZE)
  add_compile_definitions(OCTO_CHECKS=1)
endif()

# Contraction would make doubles differ between machines.
add_compile_options(-Wall -Wextra -Wno-unused-parameter -ffp-contract=off
                    -fdiagnostics-color=auto)

set(OCTO_LLD_DIR ${LLVM_INSTALL_PREFIX}/bin)
if(EXISTS ${OCTO_LLD_DIR}/ld.lld)
  add_link_options(-fuse-ld=lld -B${OCTO_LLD_DIR})
endif()

if(OCTO_SANITIZE)
  # By default what is undefined is told and goes on: a test would pass, and a
  # fuzzer would not keep the input. So it ends the program.
  add_compile_options(-fsanitize=${OCTO_SANITIZE} -fno-sanitize=vptr
                      -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${OCTO_SANITIZE})
  # A shared library gets the run-time functions of the sanitizers from the
  # executable that opens it, so it cannot be asked to define everything.
  string(REPLACE "-Wl,-z,defs" "" CMAKE_SHARED_LINKER_FLAGS
         "${CMAKE_SHARED_LINKER_FLAGS}")
  set(OCTO_TEST_ENVIRONMENT UBSAN_OPTIONS=print_stacktrace=1)
endif()

function(octo_target_includes target)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:include>)
endfunction()

# octo_export(<name> <export>)
# Installs a library for other projects, to which OctoFoo is Octopus::Foo.
function(octo_export name export)
  string(REGEX REPLACE "^Octo" "" short ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${short})
  target_compile_features(${name} INTERFACE cxx_std_20)
  install(TARGETS ${name} EXPORT ${export}
    ARCHIVE DESTINATION lib COMPONENT development)
endfunction()

# octo_library(<name> SOURCES ... [LINK ...] [DEPENDS ...])
# A library of the program or runtime floor: no MLIR, no LLVM.
function(octo_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  octo_target_includes(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  octo_export(${name} OctopusTargets)
endfunction()

# octo_mlir_library(<name> SOURCES ... [LINK ...] [DEPENDS ...])
# A library of the compiler floor. It links the dylibs, never MLIR archives.
function(octo_mlir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  octo_target_includes(${name})
  # Where they are installed, OctopusConfig.cmake adds those of the MLIR there.
  target_include_directories(${name} SYSTEM PUBLIC
    "$<BUILD_INTERFACE:${MLIR_INCLUDE_DIRS}>" "$<BUILD_INTERFACE:${LLVM_INCLUDE_DIRS}>")
  target_compile_options(${name} PRIVATE -fno-exceptions)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  add_dependencies(${name} octo-headers ${ARG_DEPENDS})
  octo_export(${name} OctopusCompilerTargets)
  string(REGEX REPLACE "^Octo" "Octopus::" exported ${name})
  set_property(GLOBAL APPEND PROPERTY OCTO_COMPILER_LIBRARIES ${exported})
endfunction()

# octo_tool(<name> SOURCES ... LINK ...)
function(octo_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  octo_target_includes(${name})
  target_compile_definitions(${name} PRIVATE
    OCTO_VERSION="${PROJECT_VERSION}"
    OCTO_MLIR_VERSION="${LLVM_PACKAGE_VERSION}")
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# octo_tablegen(<td> <dependency target> [<generator flag> <output>]...)
# Runs mlir-tblgen on a .td of the current folder; outputs join octo-headers.
add_custom_target(octo-headers)
function(octo_tablegen td target)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(rest ${ARGN})
  # mlir_tablegen adds to TABLEGEN_OUTPUT in this scope.
  while(rest)
    list(POP_FRONT rest flag output)
    separate_arguments(flag NATIVE_COMMAND "${flag}")
    mlir_tablegen(${output} ${flag}
      EXTRA_INCLUDES ${PROJECT_SOURCE_DIR}/include ${MLIR_INCLUDE_DIRS})
  endwhile()
  add_public_tablegen_target(${target})
  add_dependencies(octo-headers ${target})
endfunction()
