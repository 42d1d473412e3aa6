//===- OctoOps.cpp - Ops of the dialect `octo` ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Syntax, names and local verification of the ops. What concerns a program as a
// whole is in ProgramVerifier.cpp.
//
//===----------------------------------------------------------------------===//

#include "Payloads.h"
#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Dialect/Octo/IR/ProgramLayout.h"
#include "octo/Dialect/Octo/IR/RequestRecords.h"

using namespace mlir;
using namespace octo::spatial;

//===----------------------------------------------------------------------===//
// Custom syntax
//===----------------------------------------------------------------------===//

/// `[[0, 1], [index, 2], [forward 0]]`: where the imports of each scope come
/// from.
static ParseResult parseScopes(OpAsmParser &parser, DenseI32ArrayAttr &imports,
                               DenseI32ArrayAttr &sizes) {
  SmallVector<int32_t> from, counts;
  auto import = [&]() -> ParseResult {
    if (succeeded(parser.parseOptionalKeyword("index"))) {
      from.push_back(0x40000000);
      return success();
    }
    uint32_t mark = 0;
    if (succeeded(parser.parseOptionalKeyword("forward")))
      mark = 0x80000000u;
    SMLoc loc = parser.getCurrentLocation();
    uint32_t number;
    if (parser.parseInteger(number))
      return failure();
    if (number >= 0x40000000u)
      return parser.emitError(loc) << "number " << number << " is too large";
    from.push_back(static_cast<int32_t>(mark | number));
    return success();
  };
  auto scope = [&]() -> ParseResult {
    size_t before = from.size();
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, import))
      return failure();
    counts.push_back(static_cast<int32_t>(from.size() - before));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, scope))
    return failure();
  imports = DenseI32ArrayAttr::get(parser.getContext(), from);
  sizes = DenseI32ArrayAttr::get(parser.getContext(), counts);
  return success();
}

static void printScopes(OpAsmPrinter &printer, Operation *,
                        DenseI32ArrayAttr imports, DenseI32ArrayAttr sizes) {
  ArrayRef<int32_t> rest = imports.asArrayRef();
  printer << '[';
  llvm::interleaveComma(sizes.asArrayRef(), printer, [&](int32_t size) {
    // Negative or excessive sizes are the verifier's business, not a crash.
    size_t count = std::min<size_t>(std::max(size, 0), rest.size());
    printer << '[';
    llvm::interleaveComma(rest.take_front(count), printer, [&](int32_t from) {
      auto number = static_cast<uint32_t>(from);
      if (number == 0x40000000u)
        printer << "index";
      else if (number >> 31)
        printer << "forward " << (number & 0x7fffffffu);
      else
        printer << number;
    });
    printer << ']';
    rest = rest.drop_front(count);
  });
  printer << ']';
}

/// `image`, `profiled` or `join(add)`.
static ParseResult parseKernelKind(OpAsmParser &parser, KernelKindAttr &kind,
                                   CombineAttr &combine) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<KernelKind> value = symbolizeKernelKind(keyword);
  if (!value)
    return parser.emitError(loc) << "a kernel is 'image', 'profiled' or "
                                    "'join', not '"
                                 << keyword << "'";
  kind = KernelKindAttr::get(parser.getContext(), *value);
  Combine how = Combine::None;
  if (succeeded(parser.parseOptionalLParen())) {
    loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&keyword) || parser.parseRParen())
      return failure();
    std::optional<Combine> found = symbolizeCombine(keyword);
    if (!found)
      return parser.emitError(loc) << "results are combined by 'concat', "
                                      "'add', 'max' or 'min', not '"
                                   << keyword << "'";
    how = *found;
  }
  combine = CombineAttr::get(parser.getContext(), how);
  return success();
}

static void printKernelKind(OpAsmPrinter &printer, Operation *,
                            KernelKindAttr kind, CombineAttr combine) {
  printer << stringifyKernelKind(kind.getValue());
  if (combine && combine.getValue() != Combine::None)
    printer << '(' << stringifyCombine(combine.getValue()) << ')';
}

/// `matrix`, `vector` or `general`.
static ParseResult parsePeaClass(OpAsmParser &parser, PeaClassAttr &peaClass) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<PeaClass> value = symbolizePeaClass(keyword);
  if (!value)
    return parser.emitError(loc) << "a class of PEAs is 'matrix', 'vector' or "
                                    "'general', not '"
                                 << keyword << "'";
  peaClass = PeaClassAttr::get(parser.getContext(), *value);
  return success();
}

static void printPeaClass(OpAsmPrinter &printer, Operation *,
                          PeaClassAttr peaClass) {
  printer << stringifyPeaClass(peaClass.getValue());
}

/// `(types of all operands) -> types`, where two groups of operands share the
/// list.
static ParseResult
parseDecideTypes(OpAsmParser &parser, SmallVectorImpl<Type> &decideInputs,
                 SmallVectorImpl<Type> &forwards,
                 SmallVectorImpl<Type> &outputs,
                 ArrayRef<OpAsmParser::UnresolvedOperand> decideOperands,
                 ArrayRef<OpAsmParser::UnresolvedOperand> forwardOperands) {
  SMLoc loc = parser.getCurrentLocation();
  FunctionType type;
  if (parser.parseType(type))
    return failure();
  if (type.getNumInputs() != decideOperands.size() + forwardOperands.size())
    return parser.emitError(loc)
           << "expected " << decideOperands.size() + forwardOperands.size()
           << " operand types, found " << type.getNumInputs();
  llvm::append_range(decideInputs,
                     type.getInputs().take_front(decideOperands.size()));
  llvm::append_range(forwards,
                     type.getInputs().drop_front(decideOperands.size()));
  llvm::append_range(outputs, type.getResults());
  return success();
}

static void printDecideTypes(OpAsmPrinter &printer, Operation *,
                             TypeRange decideInputs, TypeRange forwards,
                             TypeRange outputs, OperandRange, OperandRange) {
  SmallVector<Type> inputs(decideInputs);
  llvm::append_range(inputs, forwards);
  printer.printFunctionalType(inputs, outputs);
}

#define GET_OP_CLASSES
#include "octo/Dialect/Octo/IR/OctoInterfaces.cpp.inc"
#include "octo/Dialect/Octo/IR/OctoOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Behind the interfaces
//===----------------------------------------------------------------------===//

OperandRange octo::spatial::detail::getBlockInputs(Operation *block) {
  unsigned next = 0;
  if (auto loop = dyn_cast<LoopOp>(block))
    next = loop.getNext().size();
  OperandRange operands = block->getOperands();
  return operands.drop_front().drop_back(next);
}

Operation *octo::spatial::detail::getCloser(Operation *control) {
  Value token = control->getResult(0);
  return token.use_empty() ? nullptr : *token.user_begin();
}

ResultRange octo::spatial::detail::getBlockOutputs(Operation *block) {
  if (isTask(block))
    return block->getResults();
  if (Operation *closer = getCloser(block))
    return closer->getResults();
  return block->getResults().take_front(0);
}

bool octo::spatial::detail::isTask(Operation *block) {
  return isa<TbOp>(block);
}

//===----------------------------------------------------------------------===//
// Names of results
//===----------------------------------------------------------------------===//

static void nameScopes(ControlOpInterface control, StringRef token,
                       ArrayRef<StringRef> names, OpAsmSetValueNameFn setName) {
  setName(control->getResult(0), token);
  unsigned at = 1;
  for (auto [scope, size] : llvm::enumerate(control.getImportSizes())) {
    if (at >= control->getNumResults())
      return;
    setName(control->getResult(at), names[std::min(scope, names.size() - 1)]);
    // Imports are groups of their own: one name, numbered.
    if (size > 0 && at + 1 < control->getNumResults())
      setName(control->getResult(at + 1), "in");
    at += 1 + std::max(size, 0);
  }
}

void SwitchOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameScopes(cast<ControlOpInterface>(getOperation()), "switch", {"case"},
             setName);
}

void SelectOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameScopes(cast<ControlOpInterface>(getOperation()), "select", {"member"},
             setName);
}

void LoopOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameScopes(cast<ControlOpInterface>(getOperation()), "loop",
             {"before", "after"}, setName);
}

void ForkOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameScopes(cast<ControlOpInterface>(getOperation()), "fork", {"each"},
             setName);
}

void EntryOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getAct(), "body");
  if (!getArgs().empty())
    setName(getArgs().front(), "arg");
}

void UseWeightOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getValue(), "w");
}

//===----------------------------------------------------------------------===//
// Control blocks
//===----------------------------------------------------------------------===//

/// Checks the scopes that `op` opens against its results and inputs.
static LogicalResult verifyOpener(ControlOpInterface op, unsigned numScopes) {
  ArrayRef<int32_t> sizes = op.getImportSizes();
  ArrayRef<int32_t> imports = op.getImports();
  if (numScopes && sizes.size() != numScopes)
    return op->emitOpError()
           << "opens " << numScopes << (numScopes == 1 ? " scope" : " scopes")
           << ", not " << sizes.size();
  if (sizes.empty())
    return op->emitOpError() << "opens at least one scope";
  int64_t total = 0;
  for (int32_t size : sizes) {
    if (size < 0)
      return op->emitOpError() << "has a negative number of imports";
    total += size;
  }
  if (total != static_cast<int64_t>(imports.size()))
    return op->emitOpError() << "lists " << imports.size()
                             << " imports for scopes that have " << total;
  if (op->getNumResults() != 1 + sizes.size() + imports.size())
    return op->emitOpError()
           << "has " << op->getNumResults() << " results; a token, "
           << sizes.size() << " activations and " << imports.size()
           << " imports are " << 1 + sizes.size() + imports.size();

  OperandRange inputs = op.getBlockInputs();
  unsigned at = 1, next = 0;
  for (auto [scope, size] : llvm::enumerate(sizes)) {
    if (!isa<ActType>(op->getResult(at).getType()))
      return op->emitOpError()
             << "result " << at << " is the activation of "
             << "scope " << scope << "; its type is !octo.act";
    for (int32_t i = 0; i < size; ++i) {
      Value import = op->getResult(at + 1 + i);
      auto type = dyn_cast<FlowType>(import.getType());
      if (!type)
        return op->emitOpError() << "result " << at + 1 + i
                                 << " is an import; its type is a flow";
      auto from = static_cast<uint32_t>(imports[next++]);
      if (from == ControlOpInterface::copyIndex) {
        if (!isa<ForkOp>(op.getOperation()))
          return op->emitOpError()
                 << "imports 'index', which only the copies of a fork have";
        if (!type.getPayload().isIndex())
          return op->emitOpError() << "imports the index of the copy as "
                                   << type << ", not as a flow of index";
        continue;
      }
      if (from & ControlOpInterface::forwarded) {
        if (!isa<LoopOp>(op.getOperation()) || scope != 1)
          return op->emitOpError()
                 << "imports 'forward', which only the second scope of a loop "
                    "does";
        continue;
      }
      if (from >= inputs.size())
        return op->emitOpError() << "imports input " << from << " but has only "
                                 << inputs.size() << " inputs";
      if (!sameContent(payloadOf(inputs[from]), type.getPayload()))
        return op->emitOpError() << "imports input " << from << " of type "
                                 << inputs[from].getType() << " as " << type;
    }
    at += 1 + size;
  }
  return success();
}

/// Checks that a control block knows how to decide.
static LogicalResult verifyDecision(ControlOpInterface op, size_t frequencies,
                                    bool sum) {
  ProfileAttr profile = op.getProfileAttr();
  if (!op.getKernelAttr()) {
    if (!profile || profile.getEpochs().front().frequencies.empty())
      return op->emitOpError()
             << "has neither a decide kernel nor frequencies; add 'decide', or "
                "a profile with "
             << frequencies << " frequencies";
  }
  if (!profile)
    return success();
  for (const Epoch &epoch : profile.getEpochs()) {
    if (epoch.frequencies.empty())
      continue;
    if (epoch.frequencies.size() != frequencies)
      return op->emitOpError()
             << "has " << frequencies << " scopes but frequencies for "
             << epoch.frequencies.size();
    uint64_t total = 0;
    for (uint64_t frequency : epoch.frequencies)
      total += frequency;
    if (sum && total != uint64_t(1) << 32)
      return op->emitOpError()
             << "has frequencies that sum to " << total << ", not to 2^32";
  }
  return success();
}

LogicalResult FlowOp::verify() {
  uint32_t buffer = getBuffer();
  if (!getChunks()) {
    if (buffer != 2)
      return emitOpError() << "has a buffer but is not streamed; add "
                              "'streamed' and a number of chunks";
    return success();
  }
  if (buffer > *getChunks())
    return emitOpError() << "has a buffer for " << buffer << " of "
                         << *getChunks() << " chunks";
  if (!isa<RankedTensorType, DataType>(getSource().getType().getPayload()))
    return emitOpError() << "streams " << getSource().getType()
                         << ", which has no chunks; drop 'streamed'";
  return success();
}

LogicalResult SwitchOp::verify() {
  auto control = cast<ControlOpInterface>(getOperation());
  if (failed(verifyOpener(control, 0)))
    return failure();
  return verifyDecision(control, getImportSizes().size(), true);
}

LogicalResult SelectOp::verify() {
  auto control = cast<ControlOpInterface>(getOperation());
  if (failed(verifyOpener(control, 0)))
    return failure();
  return verifyDecision(control, getImportSizes().size(), false);
}

LogicalResult LoopOp::verify() {
  auto control = cast<ControlOpInterface>(getOperation());
  if (failed(verifyOpener(control, 2)))
    return failure();
  if (getNext().size() != getInits().size())
    return emitOpError() << "carries " << getInits().size()
                         << " values but has " << getNext().size()
                         << " next values";
  ArrayRef<int32_t> imports = getImports();
  ResultRange before = control.getScopeImports(0);
  for (unsigned i = 0, e = getInits().size(); i < e; ++i) {
    if (i >= before.size() || imports[i] != static_cast<int32_t>(i))
      return emitOpError() << "carries " << e << " values; import " << i
                           << " of its first scope must be input " << i;
    if (!sameContent(payloadOf(getNext()[i]), payloadOf(before[i])))
      return emitOpError() << "carries value " << i << " as "
                           << before[i].getType() << " but its next value is "
                           << getNext()[i].getType();
  }
  if (!getKernel() &&
      (!getProfile() || !getProfile()->getEpochs().front().draw))
    return emitOpError() << "has neither a decide kernel nor trips; add "
                            "'decide', or a profile with 'draw'";
  return success();
}

LogicalResult ForkOp::verify() {
  auto control = cast<ControlOpInterface>(getOperation());
  if (failed(verifyOpener(control, 1)))
    return failure();
  if (getCount() && !payloadOf(getCount()).isIndex())
    return emitOpError() << "has a count of type " << getCount().getType()
                         << ", not a flow of index";
  if (!getCount() && (!getProfile() || !getProfile()->getEpochs().front().draw))
    return emitOpError() << "has neither a count nor a profile of it; add "
                            "'count', or a profile with 'draw'";
  return success();
}

//===----------------------------------------------------------------------===//
// Kernels, images, weights
//===----------------------------------------------------------------------===//

/// Checks a SHA-256 as hexadecimal digits.
static LogicalResult verifyDigest(Operation *op, StringRef digest) {
  if (digest.size() == 64 && llvm::all_of(digest, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      }))
    return success();
  return op->emitOpError()
         << "has digest '" << digest
         << "'; a SHA-256 is 64 lower-case hexadecimal digits";
}

/// Whether the symbol `dim(i, d)` of a form means a dimension of an input.
static bool hasDimension(FunctionType type, uint32_t symbol) {
  unsigned input = symbol >> 8, dim = symbol & 255;
  if (input >= type.getNumInputs())
    return false;
  auto tensor = dyn_cast<RankedTensorType>(type.getInput(input));
  return tensor && dim < static_cast<uint64_t>(tensor.getRank());
}

LogicalResult KernelOp::verify() {
  FunctionType type = getFunctionType();
  for (Type payload :
       llvm::concat<const Type>(type.getInputs(), type.getResults()))
    if (!FlowType::isPayload(payload))
      return emitOpError() << "has " << payload
                           << " in its signature, which no flow can carry";
  bool join = getKind() == KernelKind::Join;
  if (join != (getCombine() != Combine::None))
    return emitOpError() << (join ? "is a join and must say how it combines: "
                                    "concat, add, max or min"
                                  : "combines results, which only a join does");
  if (join && type.getNumInputs() != type.getNumResults())
    return emitOpError() << "is a join, with one input (the init) for each "
                            "result; it has "
                         << type.getNumInputs() << " and "
                         << type.getNumResults();
  if (getKind() != KernelKind::Image && (getBody() || getImage()))
    return emitOpError() << "is " << stringifyKernelKind(getKind())
                         << " and has no code; drop 'body' and 'image'";
  if (getScaling() && getKind() != KernelKind::Profiled)
    return emitOpError() << "has 'scaling', which only profiled kernels have";
  if (auto donated = getDonated())
    for (int32_t input : *donated)
      if (input < 0 || input >= static_cast<int32_t>(type.getNumInputs()) ||
          input >= 64)
        return emitOpError()
               << "donates input " << input << " of " << type.getNumInputs();
  if (auto work = getWorkAttr())
    for (auto term : work.getAsRange<WorkAttr>())
      for (uint32_t symbol : term.getSymbols()) {
        if (symbol >> 31) {
          if ((symbol & 0x7fffffffu) >= getNumCounters())
            return emitOpError()
                   << "has work by counter " << (symbol & 0x7fffffffu)
                   << " but returns " << getNumCounters() << " counters";
          continue;
        }
        if (!hasDimension(type, symbol))
          return emitOpError()
                 << "has work by dimension " << (symbol & 255) << " of input "
                 << (symbol >> 8) << ", which does not exist";
      }
  ArrayRef<Attribute> phases, sizes;
  if (ArrayAttr all = getPhasesAttr())
    phases = all.getValue();
  if (ArrayAttr all = getSizesAttr())
    sizes = all.getValue();
  if (!phases.empty()) {
    if (getWorkAttr() && !getWorkAttr().empty())
      return emitOpError() << "has both work and phases; the sum of the phases "
                              "is its work: drop 'work'";
    auto sizeList = llvm::map_to_vector(
        sizes, [](Attribute size) { return cast<owg::SizeAttr>(size); });
    auto phaseList = llvm::map_to_vector(
        phases, [](Attribute phase) { return cast<owg::PhaseAttr>(phase); });
    if (failed(owg::verifyForms(
            [&] {
              return emitOpError("has work that cannot "
                                 "be counted: ");
            },
            sizeList, phaseList, getNumCounters())))
      return failure();
    for (uint32_t symbol : getWorkSymbols())
      if (!owg::FormAttr::isCounter(symbol) && !hasDimension(type, symbol))
        return emitOpError()
               << "has phases by dimension " << (symbol & 255) << " of input "
               << (symbol >> 8) << ", which does not exist";
  }
  if (auto variants = getVariantsAttr()) {
    if (variants.empty())
      return emitOpError() << "has an empty list of variants; leave it out, or "
                              "give at least that of one PEA";
    unsigned last = 0;
    for (auto variant : variants.getAsRange<VariantAttr>()) {
      if (last == 0 && variant.getGang() != 1)
        return emitOpError() << "has a first variant for " << variant.getGang()
                             << " PEAs; it is for one";
      if (variant.getGang() <= last)
        return emitOpError()
               << "has variants that do not ascend: " << variant.getGang()
               << " after " << last;
      last = variant.getGang();
      if (ArrayAttr maps = variant.getMaps();
          maps && maps.size() != phases.size())
        return emitOpError()
               << "has a variant with " << maps.size() << " maps for "
               << phases.size() << " phases; give one a phase, or none";
    }
  }
  return success();
}

LogicalResult ImageOp::verify() {
  if (failed(verifyDigest(*this, getDigest())))
    return failure();
  if (auto object = getObject())
    if (!object->getElementType().isInteger(8))
      return emitOpError() << "has an object of " << object->getElementType()
                           << ", not of i8";
  return success();
}

LogicalResult WeightOp::verify() {
  if (!FlowType::isPayload(getType()))
    return emitOpError() << "has type " << getType()
                         << ", which no flow can carry";
  if (auto tensor = dyn_cast<RankedTensorType>(getType()))
    if (!tensor.hasStaticShape())
      return emitOpError() << "has type " << getType()
                           << "; the shape of a weight is known";
  int sources = !!getValue() + !!getFile() + !!getSeed();
  if (sources != 1)
    return emitOpError() << "has " << sources
                         << " sources; it has exactly one of 'value', 'file' "
                            "and 'seed'";
  if (getFile().has_value() != getDigest().has_value())
    return emitOpError() << "needs 'file' and 'digest' together";
  if (getDigest() && failed(verifyDigest(*this, *getDigest())))
    return failure();
  if (getSeed().has_value() != getScale().has_value())
    return emitOpError() << "needs 'seed' and 'scale' together";
  if (auto value = getValue()) {
    auto tensor = dyn_cast<RankedTensorType>(getType());
    bool same = tensor ? value->getShapedType() == getType()
                       : value->getNumElements() <= 1 &&
                             (value->getNumElements() == 0 ||
                              value->getElementType() == getType());
    if (!same)
      return emitOpError() << "has type " << getType() << " but a value of "
                           << value->getShapedType();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

void ProgramOp::build(OpBuilder &builder, OperationState &state,
                      StringRef name) {
  state.getOrAddProperties<Properties>().sym_name = builder.getStringAttr(name);
  state.addRegion()->emplaceBlock();
}

SmallVector<uint32_t> KernelOp::getWorkSymbols() {
  SmallVector<uint32_t> symbols;
  if (ArrayAttr work = getWorkAttr())
    for (auto term : work.getAsRange<WorkAttr>())
      llvm::append_range(symbols, term.getSymbols());
  auto addForm = [&](owg::FormAttr form) {
    for (uint32_t symbol : form.getSymbols())
      if (!owg::FormAttr::isSize(symbol))
        symbols.push_back(symbol);
  };
  if (ArrayAttr sizes = getSizesAttr())
    for (auto size : sizes.getAsRange<owg::SizeAttr>()) {
      addForm(size.getFirst());
      addForm(size.getSecond());
    }
  if (ArrayAttr phases = getPhasesAttr())
    for (auto phase : phases.getAsRange<owg::PhaseAttr>())
      llvm::for_each(phase.getForms(), addForm);
  llvm::sort(symbols);
  symbols.erase(llvm::unique(symbols), symbols.end());
  return symbols;
}

LogicalResult ProgramOp::verify() {
  ArrayAttr records = getRecordsAttr();
  if (!records)
    return success();
  if (records.empty())
    return emitOpError() << "has an empty list of records; drop 'records'";
  uint64_t blocks = 0;
  for (Operation &op : getBlock())
    blocks += isa<BlockOpInterface>(op);
  for (auto [i, record] :
       llvm::enumerate(records.getAsRange<DenseI64ArrayAttr>()))
    for (RecordCursor entry(record); !entry.atEnd(); entry.next()) {
      if (!entry.isWhole())
        return emitOpError() << "has record " << i
                             << ", which ends within an entry; an entry is "
                                "block, tag, number of values and the values";
      if (entry.block() != ProgramLayout::none && entry.block() >= blocks)
        return emitOpError() << "has record " << i << " of block "
                             << int64_t(int32_t(entry.block())) << ", but "
                             << blocks << " blocks";
    }
  return success();
}

EntryOp ProgramOp::getEntry() {
  // It is first in everything that our passes make.
  for (EntryOp entry : getBlock().getOps<EntryOp>())
    return entry;
  return {};
}

ExitOp ProgramOp::getExit() {
  // It is last in everything that our passes make.
  for (Operation &op : llvm::reverse(getBlock()))
    if (auto exit = dyn_cast<ExitOp>(op))
      return exit;
  return {};
}
