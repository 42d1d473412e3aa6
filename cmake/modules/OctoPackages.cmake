# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Finds every package that Octopus builds on. A missing one stops the configure
# step with the command that installs it.

# octo_require(<package> <debian packages> [find_package arguments...])
macro(octo_require package debian)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR
      "Octopus needs ${package}, which was not found.\n"
      "  On Debian:  apt-get install ${debian}\n"
      "  Elsewhere:  install it and add its prefix to CMAKE_PREFIX_PATH.\n"
      "  scripts/setup installs everything at once.")
  endif()
endmacro()

# The distribution's MLIR; its version file wants major.minor.
list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)
octo_require(MLIR "libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools"
             22.1 CONFIG)
octo_require(fmt "libfmt-dev" CONFIG)
octo_require(yaml-cpp "libyaml-cpp-dev" CONFIG)
octo_require(FlatBuffers "libflatbuffers-dev flatbuffers-compiler" CONFIG)
octo_require(nlohmann_json "nlohmann-json3-dev" CONFIG)
octo_require(CLI11 "libcli11-dev" CONFIG)
octo_require(tl-expected "libexpected-dev" CONFIG)
octo_require(libzip "libzip-dev zipcmp zipmerge ziptool" CONFIG)
octo_require(OpenSSL "libssl-dev")
octo_require(Threads "libc6-dev")
octo_require(Python3 "python3" 3.9 COMPONENTS Interpreter)
if(OCTO_BUILD_TESTS)
  octo_require(GTest "libgtest-dev" CONFIG)
endif()

# METIS comes without a package file.
find_path(METIS_INCLUDE_DIR metis.h)
find_library(METIS_LIBRARY metis)
if(NOT METIS_INCLUDE_DIR OR NOT METIS_LIBRARY)
  message(FATAL_ERROR "Octopus needs METIS, which was not found.\n"
                      "  On Debian:  apt-get install libmetis-dev")
endif()

# Traces are written with protozero: headers only, without a package file.
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_writer.hpp)
if(NOT PROTOZERO_INCLUDE_DIR)
  message(FATAL_ERROR "Octopus needs protozero, which was not found.\n"
                      "  On Debian:  apt-get install libprotozero-dev")
endif()

# Executables have it within, so that they run where it is not installed.
find_library(JEMALLOC_LIBRARY NAMES libjemalloc_pic.a jemalloc)
if(NOT JEMALLOC_LIBRARY)
  message(FATAL_ERROR "Octopus needs jemalloc, which was not found.\n"
                      "  On Debian:  apt-get install libjemalloc-dev")
endif()

find_program(FLATC flatc)
if(NOT FLATC)
  message(FATAL_ERROR "Octopus needs flatc, which was not found.\n"
                      "  On Debian:  apt-get install flatbuffers-compiler")
endif()

message(STATUS "MLIR ${LLVM_PACKAGE_VERSION} in ${LLVM_INSTALL_PREFIX}")

# Tools and libraries link the MLIR and LLVM dylibs only; the variable is not
# exported by the distribution's package.
set(MLIR_LINK_MLIR_DYLIB ON)
set(LLVM_LINK_LLVM_DYLIB ON)

list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
set(LLVM_RUNTIME_OUTPUT_INTDIR ${CMAKE_BINARY_DIR}/bin)
set(LLVM_LIBRARY_OUTPUT_INTDIR ${CMAKE_BINARY_DIR}/lib)
set(MLIR_BINARY_DIR ${CMAKE_BINARY_DIR})
set(LLVM_EXTERNAL_LIT ${LLVM_INSTALL_PREFIX}/bin/lit CACHE FILEPATH "lit")

include(TableGen)
include(AddLLVM)
include(AddMLIR)
include(HandleLLVMOptions)

separate_arguments(octo_llvm_definitions NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${octo_llvm_definitions})

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
