//===- OutputFileTest.cpp - Whole files that appear at once ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is there after a file was written, or could not be.
//
//===----------------------------------------------------------------------===//

#include "octo/Support/OutputFile.h"

#include "gtest/gtest.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

using namespace octo;

namespace fs = std::filesystem;

namespace {

class OutputFile : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) /
             ("octo-output-file-" + std::to_string(::getpid()));
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string at(const char *name) const { return (folder / name).string(); }

  static std::string textOf(const std::string &path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  size_t filesThere() const {
    return size_t(std::distance(fs::directory_iterator(folder), {}));
  }

  fs::path folder;
};

TEST_F(OutputFile, ReplacesWhatWasThere) {
  ASSERT_TRUE(writeWholeFile(at("a"), "first, and longer"));
  fs::permissions(at("a"), fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_TRUE(writeWholeFile(at("a"), "second"));
  EXPECT_EQ(textOf(at("a")), "second");
  EXPECT_EQ(fs::status(at("a")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(filesThere(), 1u);
}

TEST_F(OutputFile, FollowsLinks) {
  fs::create_symlink("a", at("link"));
  ASSERT_TRUE(writeWholeFile(at("a"), "old"));
  ASSERT_TRUE(writeWholeFile(at("link"), "new"));
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(textOf(at("a")), "new");
}

/// What was there stays when there is no space for what is to come.
TEST_F(OutputFile, IsWholeOrNotThere) {
  ASSERT_TRUE(writeWholeFile(at("a"), "old"));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 4096;
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Expected<void> written = writeWholeFile(at("a"), std::string(100000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().str(), at("a") + ": error: cannot be written: File "
                                             "too large; 100000 bytes are "
                                             "needed");
  EXPECT_EQ(textOf(at("a")), "old");
  EXPECT_EQ(filesThere(), 1u);
}

/// A device is not removed, whatever becomes of what is written to it.
TEST_F(OutputFile, DevicesStay) {
  if (!fs::is_character_file("/dev/full"))
    GTEST_SKIP() << "no /dev/full";
  Expected<void> written = writeWholeFile("/dev/full", "text");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().str(), "/dev/full: error: cannot be written: No "
                                   "space left on device; 4 bytes are needed");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_TRUE(writeWholeFile("/dev/null", "text"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(OutputFile, PlacesThatCannotBeWritten) {
  const std::string none = at("none") + "/x";
  for (const Expected<void> &result :
       {writeWholeFile(none, "text"), checkWritable(none)}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().str(),
              none + ": error: cannot be written: No such file or directory");
  }
  for (const Expected<void> &result : {writeWholeFile(folder.string(), "text"),
                                       checkWritable(folder.string())}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().str(),
              folder.string() + ": error: cannot be written: Is a directory");
  }
  EXPECT_TRUE(checkWritable(at("new")));
  EXPECT_TRUE(checkWritable("new"));
  EXPECT_TRUE(checkWritable("-"));
  EXPECT_EQ(filesThere(), 0u);
}

} // namespace
