//===- Program.h - Program files --------------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writing, loading and checking of .octo files. The format is program.fbs; its
// rules are docs/program-format.md. Who reads fields includes
// "octo/Program/program_generated.h" (flatc's output, scoped enums, object
// API).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_PROGRAM_H
#define OCTO_PROGRAM_PROGRAM_H

#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octo {

namespace fb {
struct KernelTable;
struct Program;
struct ProgramT;
struct WorkflowT;
} // namespace fb

/// The version of the format that this library writes. It reads kMajor with
/// every minor version up to kMinor.
inline constexpr uint16_t kMajor = 1;
inline constexpr uint16_t kMinor = 1;

/// Hash of the schema that this library was built from.
uint64_t schemaHash();

/// A program in memory that has passed every check. Immutable; copies share the
/// bytes.
class Program {
public:
  /// The FlatBuffers view of the bytes.
  const fb::Program &get() const { return *root; }
  const fb::Program &operator*() const { return *root; }
  const fb::Program *operator->() const { return root; }

  std::span<const uint8_t> bytes() const { return content; }
  /// Path of the file, or the name it was given.
  const std::string &name() const { return label; }

private:
  Program() = default;

  std::shared_ptr<const void> storage;
  std::span<const uint8_t> content;
  const fb::Program *root = nullptr;
  std::string label;

  friend Expected<Program> loadProgram(const std::string &path);
  friend Expected<Program> parseProgram(std::span<const uint8_t> bytes,
                                        std::string_view name);
  friend Expected<Program> checkedProgram(std::shared_ptr<const void> storage,
                                          std::span<const uint8_t> bytes,
                                          std::string_view name);
};

/// Loads a program file and checks it in full: identifier, version, the
/// FlatBuffers verifier, validateProgram. The error names the file and says
/// what is wrong and what to do.
Expected<Program> loadProgram(const std::string &path);

/// The same from bytes, which are copied; `name` stands for the file.
Expected<Program> parseProgram(std::span<const uint8_t> bytes,
                               std::string_view name);

/// The semantic check, for what FlatBuffers' verifier has accepted: every
/// index, offset, order, sum and placement that the runtime relies on. Linear
/// in the size of the program.
Expected<void> validateProgram(const fb::Program &program);

/// Makes the required tables that are absent, empty; not the machine, and not
/// those of workflows.
void makeRequiredTables(fb::ProgramT &program);

/// The same of a workflow.
void makeRequiredTables(fb::WorkflowT &workflow);

/// The bytes of a program file: equal programs give equal bytes. Sets the
/// version and the schema hash, and makes the required tables. The program is
/// checked as loadProgram would, so a writer's mistake is an error here and not
/// at the reader. At most 2 GiB.
Expected<std::vector<uint8_t>> writeProgram(fb::ProgramT &program);

/// The distinct symbols of a kernel's work, ascending: the dimensions and
/// counters that its cycles depend on.
std::vector<uint32_t> workSymbols(const fb::KernelTable &kernels,
                                  uint32_t kernel);

/// A string of the program's table; empty where there is none.
std::string_view stringAt(const fb::Program &program, uint32_t index);

/// The program as JSON, two spaces of indentation, keys in the order of the
/// schema. Images and inline weights appear with size and SHA-256 only.
std::string programToJson(const fb::Program &program);

/// A summary for people, a few dozen lines at most: versions, machine,
/// workflows, kernels, memory, placement.
std::string describeProgram(const fb::Program &program);

} // namespace octo

#endif // OCTO_PROGRAM_PROGRAM_H
