//===- PartReader.h - Parts of a machine in YAML ----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Target files and scenarios name parts in one way: `pea: [x, y, TBU, PEA]`,
// `tbu: [x, y, TBU]`, `cluster: [x, y]`, `cbu: [x, y]`, `link: [x, y, x, y]`,
// `hbm: index`. yaml-cpp shows in this header: only readers include it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TARGET_PARTREADER_H
#define OCTO_TARGET_PARTREADER_H

#include "octo/Support/YamlReader.h"
#include "octo/Target/TargetDesc.h"

namespace octo {

/// The one part that `map` names; `owner` is the map as a value, for messages.
PartRef readPart(const yaml::Map &map, const yaml::Value &owner);

} // namespace octo

#endif // OCTO_TARGET_PARTREADER_H
