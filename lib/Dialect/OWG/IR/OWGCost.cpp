//===- OWGCost.cpp - Attributes of the analyses ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parsing, printing and verification of #owg.form, #owg.size, #owg.phase,
// #owg.cost and #owg.class.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace octo::owg;

//===----------------------------------------------------------------------===//
// #owg.form
//===----------------------------------------------------------------------===//

FormAttr FormAttr::get(MLIRContext *context, int64_t constant) {
  if (constant == 0)
    return get(context, ArrayRef<int64_t>(), ArrayRef<uint32_t>(),
               ArrayRef<uint32_t>());
  return get(context, ArrayRef<int64_t>(constant), ArrayRef<uint32_t>(0u),
             ArrayRef<uint32_t>());
}

static ParseResult parseSymbol(AsmParser &parser, uint32_t &symbol) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword) || parser.parseLParen())
    return failure();
  if (keyword == "counter" || keyword == "size") {
    uint32_t number;
    if (parser.parseInteger(number))
      return failure();
    if (number >= 0x40000000u)
      return parser.emitError(loc)
             << "the number of a " << keyword << " is below 2^30";
    symbol = keyword == "size" ? FormAttr::sizeSymbol(number)
                               : FormAttr::counterSymbol(number);
  } else if (keyword == "dim") {
    uint32_t input, dim;
    if (parser.parseInteger(input) || parser.parseComma() ||
        parser.parseInteger(dim))
      return failure();
    if (dim > 255 || input >= (1u << 22))
      return parser.emitError(
          loc, "dim(input, dimension) needs a dimension of at most 255 and an "
               "input below 2^22");
    symbol = FormAttr::dimSymbol(input, dim);
  } else {
    return parser.emitError(loc, "expected 'dim', 'counter' or 'size'");
  }
  return parser.parseRParen();
}

FailureOr<FormAttr> FormAttr::parseBare(AsmParser &parser) {
  SmallVector<int64_t> coefficients;
  SmallVector<uint32_t> ends, symbols;
  bool minus = succeeded(parser.parseOptionalMinus());
  while (true) {
    // A product: an integer, symbols, or both.
    int64_t coefficient = 1;
    OptionalParseResult integer = parser.parseOptionalInteger(coefficient);
    bool more = true;
    if (integer.has_value()) {
      if (failed(*integer))
        return failure();
      more = succeeded(parser.parseOptionalStar());
    }
    while (more) {
      if (parseSymbol(parser, symbols.emplace_back()))
        return failure();
      more = succeeded(parser.parseOptionalStar());
    }
    coefficients.push_back(minus ? -coefficient : coefficient);
    ends.push_back(symbols.size());
    if (succeeded(parser.parseOptionalPlus()))
      minus = false;
    else if (succeeded(parser.parseOptionalMinus()))
      minus = true;
    else
      break;
  }
  if (coefficients.size() == 1 && coefficients[0] == 0 && symbols.empty())
    return FormAttr::get(parser.getContext(), 0);
  return FormAttr::get(parser.getContext(), coefficients, ends, symbols);
}

void FormAttr::printBare(AsmPrinter &printer) const {
  if (isZero())
    printer << "0";
  for (unsigned t = 0; t < getNumTerms(); ++t) {
    int64_t coefficient = getCoefficients()[t];
    if (t)
      printer << (coefficient < 0 ? " - " : " + ");
    else if (coefficient < 0)
      printer << "-";
    ArrayRef<uint32_t> product = getSymbolsOf(t);
    // The least integer is its own negative.
    uint64_t size = coefficient < 0 ? 0 - uint64_t(coefficient) : coefficient;
    bool star = product.empty() || size != 1;
    if (star)
      printer << size;
    for (uint32_t symbol : product) {
      if (star)
        printer << " * ";
      star = true;
      if (isCounter(symbol))
        printer << "counter(" << (symbol & 0x7fffffffu) << ")";
      else if (isSize(symbol))
        printer << "size(" << (symbol & 0x3fffffffu) << ")";
      else
        printer << "dim(" << (symbol >> 8) << ", " << (symbol & 255) << ")";
    }
  }
}

Attribute FormAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<FormAttr> form = parseBare(parser);
  if (failed(form) || parser.parseGreater())
    return {};
  return *form;
}

void FormAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printBare(printer);
  printer << ">";
}

//===----------------------------------------------------------------------===//
// #owg.size
//===----------------------------------------------------------------------===//

static FailureOr<SizeAttr> parseBareSize(AsmParser &parser) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<SizeKind> kind = symbolizeSizeKind(keyword);
  if (!kind) {
    parser.emitError(loc, "expected floordiv, ceildiv, min or max");
    return failure();
  }
  if (parser.parseLParen())
    return failure();
  FailureOr<FormAttr> first = FormAttr::parseBare(parser);
  if (failed(first) || parser.parseComma())
    return failure();
  FailureOr<FormAttr> second = FormAttr::parseBare(parser);
  if (failed(second) || parser.parseRParen())
    return failure();
  return SizeAttr::get(parser.getContext(), *kind, *first, *second);
}

static void printBareSize(AsmPrinter &printer, SizeAttr size) {
  printer << stringifySizeKind(size.getKind()) << "(";
  size.getFirst().printBare(printer);
  printer << ", ";
  size.getSecond().printBare(printer);
  printer << ")";
}

Attribute SizeAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<SizeAttr> size = parseBareSize(parser);
  if (failed(size) || parser.parseGreater())
    return {};
  return *size;
}

void SizeAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printBareSize(printer, *this);
  printer << ">";
}

//===----------------------------------------------------------------------===//
// #owg.phase
//===----------------------------------------------------------------------===//

ArrayRef<StringLiteral> PhaseAttr::getFormNames() {
  static constexpr StringLiteral names[numForms] = {
      "times",  "m",    "n",     "k",    "count", "mac",    "vector", "special",
      "scalar", "load", "store", "left", "right", "result", "live",   "held"};
  return names;
}

/// The first numbers are 1 where they are left out.
static constexpr unsigned numOnes = 5;

SmallVector<FormAttr, 2> PhaseAttr::getWork(WorkClass workClass) const {
  ArrayRef<FormAttr> all = getForms();
  if (workClass == WorkClass::Bytes)
    return {all[9], all[10]};
  return {all[numOnes + unsigned(workClass)]};
}

FailureOr<PhaseAttr> PhaseAttr::parseBare(AsmParser &parser) {
  MLIRContext *context = parser.getContext();
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  std::string name;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<PhaseKind> kind = symbolizePhaseKind(keyword);
  if (!kind) {
    parser.emitError(loc, "expected a kind of phase: matrix, vector, special, "
                          "scalar or move");
    return failure();
  }
  if (parser.parseString(&name))
    return failure();
  SmallVector<FormAttr> forms(numForms, FormAttr::get(context, 0));
  std::fill_n(forms.begin(), numOnes, FormAttr::get(context, 1));
  ArrayRef<StringLiteral> names = getFormNames();
  auto parseNumber = [&]() -> ParseResult {
    SMLoc at = parser.getCurrentLocation();
    StringRef key;
    if (parser.parseKeyword(&key))
      return failure();
    auto found = llvm::find(names, key);
    if (found == names.end())
      return parser.emitError(at) << "a phase has no number '" << key
                                  << "', only " << llvm::join(names, ", ");
    if (parser.parseEqual())
      return failure();
    FailureOr<FormAttr> form = FormAttr::parseBare(parser);
    if (failed(form))
      return failure();
    forms[found - names.begin()] = *form;
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::OptionalBraces,
                                     parseNumber))
    return failure();
  return PhaseAttr::get(context, *kind, StringAttr::get(context, name), forms);
}

void PhaseAttr::printBare(AsmPrinter &printer) const {
  printer << stringifyPhaseKind(getKind()) << " " << getName();
  bool first = true;
  for (auto [number, form] : llvm::enumerate(getForms())) {
    if (form.isConstant(number < numOnes))
      continue;
    printer << (first ? " {" : ", ") << getFormNames()[number] << " = ";
    form.printBare(printer);
    first = false;
  }
  if (!first)
    printer << "}";
}

Attribute PhaseAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<PhaseAttr> phase = parseBare(parser);
  if (failed(phase) || parser.parseGreater())
    return {};
  return *phase;
}

void PhaseAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printBare(printer);
  printer << ">";
}

LogicalResult PhaseAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                PhaseKind, StringAttr,
                                ArrayRef<FormAttr> forms) {
  if (forms.size() != numForms)
    return emitError() << "a phase has " << numForms << " numbers, not "
                       << forms.size();
  return success();
}

//===----------------------------------------------------------------------===//
// #owg.cost
//===----------------------------------------------------------------------===//

Attribute CostAttr::parse(AsmParser &parser, Type) {
  StringRef unitName;
  uint64_t codeBytes = 0;
  if (parser.parseLess() || parser.parseKeyword("on"))
    return {};
  SMLoc unitLoc = parser.getCurrentLocation();
  if (parser.parseKeyword(&unitName))
    return {};
  std::optional<UnitClass> unit = symbolizeUnitClass(unitName);
  if (!unit) {
    parser.emitError(unitLoc, "expected matrix, vector or general");
    return {};
  }
  if (parser.parseComma() || parser.parseKeyword("code") ||
      parser.parseInteger(codeBytes))
    return {};

  SmallVector<uint64_t> counters;
  SmallVector<SizeAttr> sizes;
  SmallVector<PhaseAttr> phases;
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc loc = parser.getCurrentLocation();
    StringRef key;
    if (parser.parseKeyword(&key) || parser.parseEqual())
      return {};
    auto parseElement = [&]() -> ParseResult {
      if (key == "counters")
        return parser.parseInteger(counters.emplace_back());
      if (key == "sizes") {
        FailureOr<SizeAttr> size = parseBareSize(parser);
        if (failed(size))
          return failure();
        sizes.push_back(*size);
        return success();
      }
      if (key == "phases") {
        if (parser.parseLess())
          return failure();
        FailureOr<PhaseAttr> phase = PhaseAttr::parseBare(parser);
        if (failed(phase) || parser.parseGreater())
          return failure();
        phases.push_back(*phase);
        return success();
      }
      return parser.emitError(loc, "expected counters, sizes or phases");
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                       parseElement))
      return {};
  }
  if (parser.parseGreater())
    return {};
  // The types are those of the generated overload: the general template would
  // need the storage class, which is in another file.
  auto emitError = [&] { return parser.emitError(unitLoc); };
  return CostAttr::getChecked(
      function_ref<InFlightDiagnostic()>(emitError), parser.getContext(), *unit,
      codeBytes, ArrayRef<uint64_t>(counters), ArrayRef<SizeAttr>(sizes),
      ArrayRef<PhaseAttr>(phases));
}

void CostAttr::print(AsmPrinter &printer) const {
  printer << "<on " << stringifyUnitClass(getUnit()) << ", code "
          << getCodeBytes();
  if (!getCounters().empty()) {
    printer << ", counters = [";
    llvm::interleaveComma(getCounters(), printer);
    printer << "]";
  }
  if (!getSizes().empty()) {
    printer << ", sizes = [";
    llvm::interleaveComma(getSizes(), printer,
                          [&](SizeAttr size) { printBareSize(printer, size); });
    printer << "]";
  }
  if (!getPhases().empty()) {
    printer << ", phases = [";
    llvm::interleaveComma(getPhases(), printer, [&](PhaseAttr phase) {
      printer << "<";
      phase.printBare(printer);
      printer << ">";
    });
    printer << "]";
  }
  printer << ">";
}

LogicalResult
octo::owg::verifyForms(function_ref<InFlightDiagnostic()> emitError,
                       ArrayRef<SizeAttr> sizes, ArrayRef<PhaseAttr> phases,
                       uint64_t numCounters) {
  auto check = [&](FormAttr form, uint64_t sizesBefore) -> LogicalResult {
    for (uint32_t symbol : form.getSymbols()) {
      if (FormAttr::isCounter(symbol) && (symbol & 0x7fffffffu) >= numCounters)
        return emitError() << "a form uses counter " << (symbol & 0x7fffffffu)
                           << ", but there are " << numCounters;
      if (FormAttr::isSize(symbol) && (symbol & 0x3fffffffu) >= sizesBefore)
        return emitError() << "a form uses size " << (symbol & 0x3fffffffu)
                           << ", but only " << sizesBefore << " come before it";
    }
    return success();
  };
  for (auto [number, size] : llvm::enumerate(sizes))
    if (failed(check(size.getFirst(), number)) ||
        failed(check(size.getSecond(), number)))
      return failure();
  for (PhaseAttr phase : phases)
    for (FormAttr form : phase.getForms())
      if (failed(check(form, sizes.size())))
        return failure();
  return success();
}

LogicalResult CostAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               UnitClass, uint64_t, ArrayRef<uint64_t> counters,
                               ArrayRef<SizeAttr> sizes,
                               ArrayRef<PhaseAttr> phases) {
  return verifyForms(emitError, sizes, phases, counters.size());
}

std::optional<uint32_t> CostAttr::getFirstSymbol() const {
  for (PhaseAttr phase : getPhases())
    for (FormAttr form : phase.getForms())
      for (uint32_t symbol : form.getSymbols()) {
        // What a size depends on: the first symbol of the sizes up to it.
        for (uint32_t s = symbol & 0x3fffffffu; FormAttr::isSize(symbol); --s) {
          SizeAttr size = getSizes()[s];
          for (FormAttr operand : {size.getFirst(), size.getSecond()})
            for (uint32_t inner : operand.getSymbols())
              if (!FormAttr::isSize(inner) && FormAttr::isSize(symbol))
                symbol = inner;
          if (s == 0)
            break;
        }
        if (!FormAttr::isSize(symbol))
          return symbol;
      }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// #owg.class
//===----------------------------------------------------------------------===//

Attribute ClassAttr::parse(AsmParser &parser, Type) {
  StringRef time, frequency;
  std::string reason;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&time) || parser.parseComma() ||
      parser.parseKeyword(&frequency) || parser.parseComma() ||
      parser.parseString(&reason) || parser.parseGreater())
    return {};
  if ((time != "static_time" && time != "dynamic_time") ||
      (frequency != "static_frequency" && frequency != "dynamic_frequency")) {
    parser.emitError(loc, "expected <static_time or dynamic_time, "
                          "static_frequency or dynamic_frequency, \"reason\">");
    return {};
  }
  return ClassAttr::get(parser.getContext(), time == "dynamic_time",
                        frequency == "dynamic_frequency",
                        StringAttr::get(parser.getContext(), reason));
}

void ClassAttr::print(AsmPrinter &printer) const {
  printer << "<" << (getDynamicTime() ? "dynamic_time" : "static_time") << ", "
          << (getDynamicFrequency() ? "dynamic_frequency" : "static_frequency")
          << ", " << getReason() << ">";
}
