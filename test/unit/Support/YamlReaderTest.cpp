//===- YamlReaderTest.cpp - What is no YAML document ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Texts that hold no document, or several, get an error value, and the reader
// ends for all of them.
//
//===----------------------------------------------------------------------===//

#include "octo/Support/YamlReader.h"

#include <gtest/gtest.h>

using namespace octo;

static std::string readName(std::string_view text) {
  Expected<std::string> name =
      yaml::read<std::string>(text, "f.yaml", [](const yaml::Value &value) {
        return value.map({"name"}).get("name").string();
      });
  return name ? *name : name.error().str();
}

TEST(YamlReader, OneDocument) {
  EXPECT_EQ(readName("name: a\n"), "a");
  EXPECT_EQ(readName("---\nname: a\n...\n"), "a");
}

TEST(YamlReader, NoDocument) {
  for (std::string_view text : {"", "\n\n", "# only a comment\n", "---\n", "~"})
    EXPECT_EQ(readName(text),
              "f.yaml:1:1: error: expected one YAML document, found nothing")
        << text;
}

TEST(YamlReader, SeveralDocuments) {
  EXPECT_EQ(readName("name: a\n---\nname: b\n"),
            "f.yaml:1:1: error: expected one YAML document, found several");
  EXPECT_EQ(readName("name: a\n,b\n").rfind("f.yaml:", 0), 0u);
}

// yaml-cpp by itself makes empty documents of this without end.
TEST(YamlReader, CommaBeginsNoDocument) {
  EXPECT_EQ(readName(",name: a\n"), "f.yaml:1:1: error: expected one YAML "
                                    "document, found what cannot begin one");
}

TEST(YamlReader, DeepDocument) {
  std::string message = readName(std::string(100000, '['));
  EXPECT_EQ(message.rfind("f.yaml:1:", 0), 0u) << message;
  EXPECT_NE(message.find("values are nested more than"), std::string::npos)
      << message;
}
