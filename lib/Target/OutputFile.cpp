//===- OutputFile.cpp - Whole files that appear at once -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file beside the one that is meant, moved into its place when it is whole.
//
//===----------------------------------------------------------------------===//

#include "octo/Support/OutputFile.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <unistd.h>

using namespace octo;

namespace fs = std::filesystem;

static Error cannotWrite(const std::string &path, int code) {
  return makeFileError(path, "cannot be written: {}",
                       std::generic_category().message(code ? code : EIO));
}

/// Writes what is in one file, in place; 0, or the code of what went wrong.
static int writeThrough(const std::string &path, std::string_view bytes) {
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    return errno;
  errno = 0;
  bool good = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  int code = errno;
  if (std::fclose(file) != 0 && good) {
    good = false;
    code = errno;
  }
  return good ? 0 : code ? code : EIO;
}

/// Writes a file beside the one that is meant and moves it there.
static int writeBeside(const std::string &path, fs::file_status status,
                       std::string_view bytes) {
  std::error_code unknown;
  // What a link stands for is replaced, not the link.
  std::string target = fs::is_symlink(path, unknown)
                           ? fs::canonical(path, unknown).string()
                           : path;
  std::string temporary = fmt::format("{}.{}.part", target, ::getpid());
  int code = writeThrough(temporary, bytes);
  if (!code && fs::exists(status))
    fs::permissions(temporary, status.permissions(), unknown);
  if (!code && std::rename(temporary.c_str(), target.c_str()) != 0)
    code = errno;
  if (code)
    std::remove(temporary.c_str());
  // A file in a folder that cannot be changed, or one that is mounted.
  bool inPlace = code == EACCES || code == EPERM || code == EBUSY;
  return inPlace && fs::exists(status) ? writeThrough(path, bytes) : code;
}

Expected<void> octo::writeWholeFile(const std::string &path,
                                    std::string_view bytes) {
  if (path == "-") {
    errno = 0;
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size())
      return cannotWrite("standard output", errno);
    return finishStandardOutput();
  }
  std::error_code unknown;
  fs::file_status status = fs::status(path, unknown);
  // /dev/stdout may be a file that others write too.
  bool isDevice = path.starts_with("/dev/") ||
                  (fs::exists(status) && !fs::is_regular_file(status));
  int code =
      isDevice ? writeThrough(path, bytes) : writeBeside(path, status, bytes);
  if (code == ENOSPC || code == EDQUOT || code == EFBIG)
    return makeFileError(path, "cannot be written: {}; {} bytes are needed",
                         std::generic_category().message(code), bytes.size());
  if (code)
    return cannotWrite(path, code);
  return {};
}

Expected<void> octo::checkWritable(const std::string &path) {
  if (path == "-")
    return {};
  std::error_code unknown;
  fs::file_status status = fs::status(path, unknown);
  if (fs::is_directory(status))
    return cannotWrite(path, EISDIR);
  std::string folder = fs::path(path).parent_path().string();
  int refused =
      fs::exists(status)
          ? ::access(path.c_str(), W_OK)
          : ::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK);
  if (refused)
    return cannotWrite(path, errno);
  return {};
}

/// Whether two names are of one file, which need not be there yet.
static bool isSameFile(const std::string &a, const std::string &b) {
  std::error_code unknown;
  if (a == b || fs::equivalent(a, b, unknown))
    return true;
  auto whole = [&](const std::string &path) {
    return fs::weakly_canonical(fs::absolute(path, unknown), unknown);
  };
  return !whole(a).empty() && whole(a) == whole(b);
}

Expected<void> octo::checkOutputs(const std::vector<std::string> &outputs,
                                  const std::vector<std::string> &inputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string &path = outputs[i];
    if (path.empty())
      continue;
    // Devices can take several, as /dev/null does.
    bool isDevice = path.starts_with("/dev/");
    for (size_t j = 0; j < i && !isDevice; ++j)
      if (!outputs[j].empty() && isSameFile(path, outputs[j]))
        return makeFileError(path, "two outputs cannot be one file; give each "
                                   "a name of its own");
    for (const std::string &input : inputs)
      if (!isDevice && !input.empty() && isSameFile(path, input))
        return makeFileError(path, "this is read, and would be overwritten; "
                                   "give the output a name of its own");
    if (Expected<void> possible = checkWritable(path); !possible)
      return possible;
  }
  return {};
}

Expected<void> octo::finishStandardOutput() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return cannotWrite("standard output", errno);
  return {};
}
