//===- OWGSyntax.cpp - Parsers and printers of the owg operations ---------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All blocks share one shape:
//
//   owg.<block> "label"(%name = %value : type, ...) [count %n]
//     [init(kind %v : type, ...)] [-> types] [clauses] regions
//
// with the clauses calls, bound, path, profile, pin, source and attributes.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace octo::owg;

//===----------------------------------------------------------------------===//
// Shared parts
//===----------------------------------------------------------------------===//

namespace {
/// The parenthesised inputs of a block, with the names they are bound to.
struct Inputs {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  SmallVector<OpAsmParser::Argument> names;
  SMLoc loc;
  bool bound = false;
};
} // namespace

static ParseResult parseLabel(OpAsmParser &parser, OperationState &result) {
  StringAttr label;
  return parser.parseAttribute(label, parser.getBuilder().getNoneType(),
                               "label", result.attributes);
}

/// `(%x = %v : T, ...)` or `(%v : T, ...)`.
static ParseResult parseInputs(OpAsmParser &parser, Inputs &inputs) {
  inputs.loc = parser.getCurrentLocation();
  bool unbound = false;
  auto parseOne = [&]() -> ParseResult {
    OpAsmParser::UnresolvedOperand operand;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseOperand(operand))
      return failure();
    if (succeeded(parser.parseOptionalEqual())) {
      if (operand.number != 0)
        return parser.emitError(loc, "expected a name without a number");
      OpAsmParser::Argument &name = inputs.names.emplace_back();
      name.ssaName = operand;
      if (parser.parseOperand(operand))
        return failure();
      inputs.bound = true;
    } else {
      unbound = true;
    }
    if (inputs.bound && unbound)
      return parser.emitError(
          loc, "either all inputs are bound to names (%x = %v) or none");
    inputs.operands.push_back(operand);
    if (parser.parseColonType(inputs.types.emplace_back()))
      return failure();
    if (inputs.bound)
      inputs.names.back().type = inputs.types.back();
    return success();
  };
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                        parseOne);
}

/// `init(kind %v : T, ...)`, or nothing.
static ParseResult
parseInits(OpAsmParser &parser, OperationState &result,
           SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
           SmallVectorImpl<Type> &types) {
  SmallVector<int32_t> kinds;
  if (succeeded(parser.parseOptionalKeyword("init"))) {
    auto parseOne = [&]() -> ParseResult {
      SMLoc loc = parser.getCurrentLocation();
      StringRef keyword;
      if (parser.parseKeyword(&keyword))
        return failure();
      std::optional<CombineKind> kind = symbolizeCombineKind(keyword);
      if (!kind)
        return parser.emitError(loc) << "unknown combination '" << keyword
                                     << "'; there are add, concat, max, min";
      kinds.push_back(static_cast<int32_t>(*kind));
      return failure(parser.parseOperand(operands.emplace_back()) ||
                     parser.parseColonType(types.emplace_back()));
    };
    if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseOne))
      return failure();
  }
  result.addAttribute("combines",
                      parser.getBuilder().getDenseI32ArrayAttr(kinds));
  return success();
}

/// The clauses after the result types, in any order, each once. `calls` and
/// `bound` are taken only where the operation has them.
static ParseResult parseClauses(OpAsmParser &parser, OperationState &result,
                                bool allowCalls, bool allowBound) {
  Builder &b = parser.getBuilder();
  while (true) {
    SMLoc loc = parser.getCurrentLocation();
    StringRef name;
    Attribute value;
    if (allowCalls && succeeded(parser.parseOptionalKeyword("calls"))) {
      FlatSymbolRefAttr flat;
      if (parser.parseAttribute(flat))
        return failure();
      name = "callee";
      value = flat;
    } else if (allowBound && succeeded(parser.parseOptionalKeyword("bound"))) {
      int64_t bound;
      if (parser.parseInteger(bound))
        return failure();
      name = "bound";
      value = b.getI64IntegerAttr(bound);
    } else if (succeeded(parser.parseOptionalKeyword("path"))) {
      std::string path;
      if (parser.parseString(&path))
        return failure();
      name = "path";
      value = b.getStringAttr(path);
    } else if (succeeded(parser.parseOptionalKeyword("profile"))) {
      ProfileAttr profile;
      if (parser.parseAttribute(profile))
        return failure();
      name = "profile";
      value = profile;
    } else if (succeeded(parser.parseOptionalKeyword("pin"))) {
      PinAttr pin;
      if (parser.parseAttribute(pin))
        return failure();
      name = "pin";
      value = pin;
    } else if (succeeded(parser.parseOptionalKeyword("source"))) {
      SourceAttr source;
      if (parser.parseAttribute(source))
        return failure();
      name = "source";
      value = source;
    } else {
      break;
    }
    if (result.attributes.set(name, value))
      return parser.emitError(loc) << "'" << name << "' is given twice";
  }
  return parser.parseOptionalAttrDictWithKeyword(result.attributes);
}

/// Parses `-> types`, the clauses, and resolves the inputs.
static ParseResult parseRest(OpAsmParser &parser, OperationState &result,
                             const Inputs &inputs, bool allowCalls = false,
                             bool allowBound = false) {
  return failure(parser.parseOptionalArrowTypeList(result.types) ||
                 parseClauses(parser, result, allowCalls, allowBound) ||
                 parser.resolveOperands(inputs.operands, inputs.types,
                                        inputs.loc, result.operands));
}

/// A region that must have a block. Without this check `{}` would be an empty
/// region, which means "profiled" where that is allowed.
static ParseResult parseBlockRegion(OpAsmParser &parser, Region &region,
                                    ArrayRef<OpAsmParser::Argument> arguments,
                                    StringRef terminator,
                                    bool isolated = false) {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseRegion(region, arguments, isolated))
    return failure();
  if (region.empty())
    return parser.emitError(loc)
           << "expected a region that ends in " << terminator;
  return success();
}

static ParseResult checkNamesUnused(OpAsmParser &parser, const Inputs &inputs,
                                    StringRef region) {
  if (inputs.bound)
    return parser.emitError(inputs.loc)
           << "inputs are bound to names but there is no " << region
           << " that could use them";
  return success();
}

static ParseResult checkNamesGiven(OpAsmParser &parser, const Inputs &inputs,
                                   StringRef region) {
  if (!inputs.bound && !inputs.operands.empty())
    return parser.emitError(inputs.loc) << "inputs must be bound to names for "
                                        << region << ", as in (%x = %v : type)";
  return success();
}

static void printLabel(OpAsmPrinter &p, StringAttr label) {
  p << ' ';
  p.printAttributeWithoutType(label);
}

/// Prints `(%x = %v : T, ...)`; without `names`, `(%v : T, ...)`.
static void printInputs(OpAsmPrinter &p, OperandRange inputs,
                        ArrayRef<BlockArgument> names) {
  p << '(';
  for (auto [index, input] : llvm::enumerate(inputs)) {
    if (index)
      p << ", ";
    if (index < names.size())
      p << names[index] << " = ";
    p << input << " : " << input.getType();
  }
  p << ')';
}

static void printInits(OpAsmPrinter &p, OperandRange inits,
                       ArrayRef<int32_t> kinds) {
  if (inits.empty())
    return;
  p << " init(";
  for (auto [index, init] : llvm::enumerate(inits)) {
    if (index)
      p << ", ";
    if (index < kinds.size())
      p << stringifyCombineKind(static_cast<CombineKind>(kinds[index])) << ' ';
    p << init << " : " << init.getType();
  }
  p << ')';
}

/// Result types and clauses.
static void printRest(OpAsmPrinter &p, Operation *op) {
  p.printOptionalArrowTypeList(op->getResultTypes());
  auto block = cast<BlockOpInterface>(op);
  if (auto task = dyn_cast<TaskOp>(op); task && task.getCalleeAttr())
    p << " calls " << task.getCalleeAttr();
  if (auto loop = dyn_cast<LoopOp>(op); loop && loop.getBound())
    p << " bound " << loop.getBoundAttr().getInt();
  if (StringAttr path = block.getOpPath()) {
    p << " path ";
    p.printAttributeWithoutType(path);
  }
  if (ProfileAttr profile = block.getOpProfile())
    p << " profile " << profile;
  if (PinAttr pin = block.getOpPin())
    p << " pin " << pin;
  if (SourceAttr source = block.getOpSource())
    p << " source " << source;
  p.printOptionalAttrDictWithKeyword(
      op->getAttrs(), {"label", "path", "profile", "pin", "source", "callee",
                       "bound", "combines", "operandSegmentSizes"});
}

static void printRegion(OpAsmPrinter &p, Region &region) {
  p << ' ';
  p.printRegion(region, /*printEntryBlockArgs=*/false);
}

/// The first region of a long block starts on a line of its own.
static void printLeadingRegion(OpAsmPrinter &p, StringRef keyword,
                               Region &region) {
  p.printNewline();
  p << keyword;
  printRegion(p, region);
}

static SmallVector<BlockArgument> argumentsOf(Region &region) {
  if (region.empty())
    return {};
  return llvm::to_vector(region.getArguments());
}

//===----------------------------------------------------------------------===//
// Workflow and call
//===----------------------------------------------------------------------===//

ParseResult WorkflowOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildFuncType =
      [](Builder &builder, ArrayRef<Type> inputs, ArrayRef<Type> results,
         function_interface_impl::VariadicFlag,
         std::string &) { return builder.getFunctionType(inputs, results); };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), buildFuncType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void WorkflowOp::print(OpAsmPrinter &p) {
  function_interface_impl::printFunctionOp(
      p, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

ParseResult CallOp::parse(OpAsmParser &parser, OperationState &result) {
  Inputs inputs;
  FlatSymbolRefAttr callee;
  if (parseLabel(parser, result) ||
      parser.parseAttribute(callee, "callee", result.attributes) ||
      parseInputs(parser, inputs) ||
      checkNamesUnused(parser, inputs, "region") ||
      parser.parseOptionalArrowTypeList(result.types))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("path"))) {
    std::string path;
    if (parser.parseString(&path))
      return failure();
    result.addAttribute("path", parser.getBuilder().getStringAttr(path));
  }
  return failure(parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parser.resolveOperands(inputs.operands, inputs.types,
                                        inputs.loc, result.operands));
}

void CallOp::print(OpAsmPrinter &p) {
  printLabel(p, getLabelAttr());
  p << ' ' << getCalleeAttr();
  printInputs(p, getInputs(), {});
  p.printOptionalArrowTypeList(getResultTypes());
  if (StringAttr path = getPathAttr()) {
    p << " path ";
    p.printAttributeWithoutType(path);
  }
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                     {"label", "callee", "path"});
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

ParseResult TaskOp::parse(OpAsmParser &parser, OperationState &result) {
  Inputs inputs;
  if (parseLabel(parser, result) || parseInputs(parser, inputs) ||
      parseRest(parser, result, inputs, /*allowCalls=*/true))
    return failure();
  Region *body = result.addRegion();
  OptionalParseResult parsed =
      parser.parseOptionalRegion(*body, inputs.names,
                                 /*enableNameShadowing=*/true);
  if (!parsed.has_value())
    return checkNamesUnused(parser, inputs, "body");
  if (failed(*parsed))
    return failure();
  if (body->empty())
    return parser.emitError(inputs.loc,
                            "expected a body that ends in owg.yield");
  return checkNamesGiven(parser, inputs, "the body");
}

void TaskOp::print(OpAsmPrinter &p) {
  printLabel(p, getLabelAttr());
  printInputs(p, getInputs(), argumentsOf(getBody()));
  printRest(p, *this);
  if (isInline())
    printRegion(p, getBody());
}

/// `[decide {...}]`, as the first region.
static ParseResult parseDecide(OpAsmParser &parser, OperationState &result,
                               const Inputs &inputs) {
  Region *decide = result.addRegion();
  if (failed(parser.parseOptionalKeyword("decide")))
    return checkNamesUnused(parser, inputs, "decide region");
  return failure(checkNamesGiven(parser, inputs, "decide") ||
                 parseBlockRegion(parser, *decide, inputs.names, "owg.decide"));
}

ParseResult BranchOp::parse(OpAsmParser &parser, OperationState &result) {
  Inputs inputs;
  if (parseLabel(parser, result) || parseInputs(parser, inputs) ||
      parseRest(parser, result, inputs) || parseDecide(parser, result, inputs))
    return failure();
  Region *defaultRegion = result.addRegion();
  while (succeeded(parser.parseOptionalKeyword("case")))
    if (parseBlockRegion(parser, *result.addRegion(), {}, "owg.yield"))
      return failure();
  return failure(parser.parseKeyword("default", " as the last case of a "
                                                "branch") ||
                 parseBlockRegion(parser, *defaultRegion, {}, "owg.yield"));
}

void BranchOp::print(OpAsmPrinter &p) {
  printLabel(p, getLabelAttr());
  printInputs(p, getInputs(), argumentsOf(getDecideRegion()));
  printRest(p, *this);
  if (hasDecide())
    printLeadingRegion(p, "decide", getDecideRegion());
  else
    p.printNewline();
  bool first = !hasDecide();
  for (Region &region : getCaseRegions()) {
    p << (first ? "case" : " case");
    first = false;
    printRegion(p, region);
  }
  p << (first ? "default" : " default");
  printRegion(p, getDefaultRegion());
}

ParseResult SelectOp::parse(OpAsmParser &parser, OperationState &result) {
  Inputs inputs;
  SmallVector<OpAsmParser::UnresolvedOperand> inits;
  SmallVector<Type> initTypes;
  if (parseLabel(parser, result) || parseInputs(parser, inputs) ||
      parseInits(parser, result, inits, initTypes) ||
      parseRest(parser, result, inputs) ||
      parser.resolveOperands(inits, initTypes, inputs.loc, result.operands) ||
      parseDecide(parser, result, inputs))
    return failure();
  while (succeeded(parser.parseOptionalKeyword("member")))
    if (parseBlockRegion(parser, *result.addRegion(), {}, "owg.yield"))
      return failure();
  result.addAttribute("operandSegmentSizes",
                      parser.getBuilder().getDenseI32ArrayAttr(
                          {static_cast<int32_t>(inputs.operands.size()),
                           static_cast<int32_t>(inits.size())}));
  return success();
}

void SelectOp::print(OpAsmPrinter &p) {
  printLabel(p, getLabelAttr());
  printInputs(p, getInputs(), argumentsOf(getDecideRegion()));
  printInits(p, getInits(), getCombines());
  printRest(p, *this);
  if (hasDecide())
    printLeadingRegion(p, "decide", getDecideRegion());
  else
    p.printNewline();
  bool first = !hasDecide();
  for (Region &region : getMemberRegions()) {
    p << (first ? "member" : " member");
    first = false;
    printRegion(p, region);
  }
}

ParseResult LoopOp::parse(OpAsmParser &parser, OperationState &result) {
  Inputs inputs;
  if (parseLabel(parser, result) || parseInputs(parser, inputs) ||
      parseRest(parser, result, inputs, /*allowCalls=*/false,
                /*allowBound=*/true))
    return failure();
  Region *before = result.addRegion();
  Region *after = result.addRegion();
  if (succeeded(parser.parseOptionalKeyword("before"))) {
    SmallVector<OpAsmParser::Argument> names;
    if (checkNamesGiven(parser, inputs, "before") ||
        parseBlockRegion(parser, *before, inputs.names, "owg.decide") ||
        parser.parseKeyword("after") ||
        parser.parseArgumentList(names, OpAsmParser::Delimiter::OptionalParen,
                                 /*allowType=*/true))
      return failure();
    return parseBlockRegion(parser, *after, names, "owg.yield");
  }
  return failure(checkNamesGiven(parser, inputs, "after") ||
                 parser.parseKeyword("after") ||
                 parseBlockRegion(parser, *after, inputs.names, "owg.yield"));
}

void LoopOp::print(OpAsmPrinter &p) {
  printLabel(p, getLabelAttr());
  printInputs(p, getInputs(),
              argumentsOf(hasBefore() ? getBeforeRegion() : getAfterRegion()));
  printRest(p, *this);
  if (!hasBefore()) {
    printLeadingRegion(p, "after", getAfterRegion());
    return;
  }
  printLeadingRegion(p, "before", getBeforeRegion());
  p << " after";
  if (getAfterRegion().getNumArguments() != 0) {
    p << " (";
    llvm::interleaveComma(getAfterRegion().getArguments(), p,
                          [&](BlockArgument argument) {
                            p << argument << " : " << argument.getType();
                          });
    p << ')';
  }
  printRegion(p, getAfterRegion());
}

ParseResult FanoutOp::parse(OpAsmParser &parser, OperationState &result) {
  Inputs inputs;
  SmallVector<OpAsmParser::UnresolvedOperand> inits;
  SmallVector<Type> initTypes;
  OpAsmParser::UnresolvedOperand count;
  bool hasCount = false;
  if (parseLabel(parser, result) || parseInputs(parser, inputs))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("count"))) {
    hasCount = true;
    if (parser.parseOperand(count))
      return failure();
  }
  if (parseInits(parser, result, inits, initTypes) ||
      parseRest(parser, result, inputs))
    return failure();
  Builder &b = parser.getBuilder();
  if (hasCount &&
      parser.resolveOperand(count, b.getIndexType(), result.operands))
    return failure();
  OpAsmParser::Argument index;
  index.type = b.getIndexType();
  Region *each = result.addRegion();
  if (parser.resolveOperands(inits, initTypes, inputs.loc, result.operands) ||
      checkNamesGiven(parser, inputs, "each") || parser.parseKeyword("each") ||
      parser.parseLParen() || parser.parseOperand(index.ssaName, false) ||
      parser.parseRParen())
    return failure();
  result.addAttribute(
      "operandSegmentSizes",
      b.getDenseI32ArrayAttr({static_cast<int32_t>(inputs.operands.size()),
                              static_cast<int32_t>(hasCount),
                              static_cast<int32_t>(inits.size())}));
  SmallVector<OpAsmParser::Argument> names = {index};
  names.append(inputs.names);
  return parseBlockRegion(parser, *each, names, "owg.yield");
}

void FanoutOp::print(OpAsmPrinter &p) {
  SmallVector<BlockArgument> names = argumentsOf(getEachRegion());
  printLabel(p, getLabelAttr());
  printInputs(p, getInputs(),
              ArrayRef(names).drop_front(names.empty() ? 0 : 1));
  if (getCount())
    p << " count " << getCount();
  printInits(p, getInits(), getCombines());
  printRest(p, *this);
  p.printNewline();
  p << "each (";
  if (!names.empty())
    p << names.front();
  p << ')';
  printRegion(p, getEachRegion());
}

//===----------------------------------------------------------------------===//
// Weight
//===----------------------------------------------------------------------===//

ParseResult WeightOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  StringRef visibility;
  if (succeeded(parser.parseOptionalKeyword(&visibility,
                                            {"public", "private", "nested"})))
    result.addAttribute("sym_visibility", b.getStringAttr(visibility));
  StringAttr name;
  Type type;
  if (parser.parseSymbolName(name, "sym_name", result.attributes) ||
      parser.parseColonType(type))
    return failure();
  result.addAttribute("type", TypeAttr::get(type));
  if (succeeded(parser.parseOptionalEqual())) {
    ElementsAttr value;
    if (parser.parseAttribute(value, "value", result.attributes))
      return failure();
  } else if (succeeded(parser.parseOptionalKeyword("from"))) {
    std::string file, digest;
    if (parser.parseString(&file))
      return failure();
    result.addAttribute("file", b.getStringAttr(file));
    if (succeeded(parser.parseOptionalKeyword("at"))) {
      int64_t offset;
      if (parser.parseInteger(offset))
        return failure();
      result.addAttribute("offset", b.getI64IntegerAttr(offset));
    }
    if (parser.parseKeyword("sha256") || parser.parseString(&digest))
      return failure();
    result.addAttribute("sha256", b.getStringAttr(digest));
  } else if (succeeded(parser.parseOptionalKeyword("seed"))) {
    int64_t seed;
    FloatAttr scale;
    if (parser.parseInteger(seed) || parser.parseKeyword("scale") ||
        parser.parseAttribute(scale, b.getF64Type(), "scale",
                              result.attributes))
      return failure();
    result.addAttribute("seed", b.getI64IntegerAttr(seed));
  } else {
    return parser.emitError(parser.getCurrentLocation(),
                            "expected '= <elements>', 'from \"file\" sha256 "
                            "\"digest\"' or 'seed N scale X'");
  }
  return parser.parseOptionalAttrDictWithKeyword(result.attributes);
}

void WeightOp::print(OpAsmPrinter &p) {
  p << ' ';
  if (std::optional<StringRef> visibility = getSymVisibility())
    p << *visibility << ' ';
  p.printSymbolName(getSymName());
  p << " : " << getType();
  if (getValueAttr())
    p << " = " << getValueAttr();
  if (getFileAttr()) {
    p << " from " << getFileAttr();
    if (getOffset())
      p << " at " << getOffsetAttr().getInt();
    if (getSha256Attr())
      p << " sha256 " << getSha256Attr();
  }
  if (getSeed())
    p << " seed " << getSeedAttr().getInt();
  if (getScaleAttr()) {
    p << " scale ";
    p.printAttributeWithoutType(getScaleAttr());
  }
  p.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {"sym_name", "sym_visibility", "type", "value",
                            "file", "offset", "sha256", "seed", "scale"});
}
