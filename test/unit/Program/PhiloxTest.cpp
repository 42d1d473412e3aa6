//===- PhiloxTest.cpp - Counter-based random numbers ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Philox4x32-10 against the known answers that come with Random123.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Philox.h"

#include "gtest/gtest.h"

using namespace octo;

static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) ==
              PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                         {0xffffffff, 0xffffffff}) ==
              PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                         {0xa4093822, 0x299f31d0}) ==
              PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

TEST(Philox, KnownAnswersAtRunTime) {
  volatile uint32_t zero = 0;
  PhiloxBlock block = philox4x32({zero, zero, zero, zero}, {zero, zero});
  EXPECT_EQ(block,
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(Philox, WordOrderOfTheHelpers) {
  EXPECT_EQ(philoxKey(0x1122334455667788), (PhiloxKey{0x55667788, 0x11223344}));
  EXPECT_EQ(philoxCounter(0x1122334455667788, 0x99aabbccddeeff00),
            (PhiloxBlock{0x55667788, 0x11223344, 0xddeeff00, 0x99aabbcc}));
  EXPECT_EQ(philox64(0, 0, 0), 0xe169c58d6627e8d5u);
}
