//===- OWGCost.cpp - Attributes of the analyses ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parsing, printing and verification of #owg.term, #owg.cost and #owg.class.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace octo::owg;

//===----------------------------------------------------------------------===//
// #owg.term
//===----------------------------------------------------------------------===//

static ParseResult parseSymbol(AsmParser &parser, uint32_t &symbol) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword) || parser.parseLParen())
    return failure();
  if (keyword == "counter") {
    uint32_t counter;
    if (parser.parseInteger(counter))
      return failure();
    if (counter >= 0x80000000u)
      return parser.emitError(loc, "the number of a counter is below 2^31");
    symbol = WorkTermAttr::counterSymbol(counter);
  } else if (keyword == "dim") {
    uint32_t input, dim;
    if (parser.parseInteger(input) || parser.parseComma() ||
        parser.parseInteger(dim))
      return failure();
    if (dim > 255 || input >= (1u << 23))
      return parser.emitError(
          loc, "dim(input, dimension) needs a dimension of at most 255 and an "
               "input below 2^23");
    symbol = WorkTermAttr::dimSymbol(input, dim);
  } else {
    return parser.emitError(loc, "expected 'dim' or 'counter'");
  }
  return parser.parseRParen();
}

FailureOr<WorkTermAttr> WorkTermAttr::parseBare(AsmParser &parser) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  uint64_t coefficient;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<WorkClass> workClass = symbolizeWorkClass(keyword);
  if (!workClass) {
    parser.emitError(loc, "expected a class of work: mac, vector, special, "
                          "scalar or bytes");
    return failure();
  }
  if (parser.parseComma() || parser.parseInteger(coefficient))
    return failure();
  SmallVector<uint32_t> symbols;
  if (succeeded(parser.parseOptionalComma()) &&
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
        return parseSymbol(parser, symbols.emplace_back());
      }))
    return failure();
  return WorkTermAttr::get(parser.getContext(), *workClass, coefficient,
                           symbols);
}

void WorkTermAttr::printBare(AsmPrinter &printer) const {
  printer << stringifyWorkClass(getWorkClass()) << ", " << getCoefficient();
  if (getSymbols().empty())
    return;
  printer << ", [";
  llvm::interleaveComma(getSymbols(), printer, [&](uint32_t symbol) {
    if (isCounter(symbol))
      printer << "counter(" << (symbol & 0x7fffffffu) << ")";
    else
      printer << "dim(" << (symbol >> 8) << ", " << (symbol & 255) << ")";
  });
  printer << "]";
}

Attribute WorkTermAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<WorkTermAttr> term = parseBare(parser);
  if (failed(term) || parser.parseGreater())
    return {};
  return *term;
}

void WorkTermAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printBare(printer);
  printer << ">";
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
  SmallVector<int64_t> matmuls;
  SmallVector<WorkTermAttr> terms;
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc loc = parser.getCurrentLocation();
    StringRef key;
    if (parser.parseKeyword(&key) || parser.parseEqual())
      return {};
    auto parseElement = [&]() -> ParseResult {
      if (key == "counters")
        return parser.parseInteger(counters.emplace_back());
      if (key == "matmuls") {
        int64_t m, n, k, count;
        if (parser.parseLSquare() || parser.parseInteger(m) ||
            parser.parseComma() || parser.parseInteger(n) ||
            parser.parseComma() || parser.parseInteger(k) ||
            parser.parseComma() || parser.parseInteger(count) ||
            parser.parseRSquare())
          return failure();
        matmuls.append({m, n, k, count});
        return success();
      }
      if (key == "terms") {
        if (parser.parseLess())
          return failure();
        FailureOr<WorkTermAttr> term = WorkTermAttr::parseBare(parser);
        if (failed(term) || parser.parseGreater())
          return failure();
        terms.push_back(*term);
        return success();
      }
      return parser.emitError(loc, "expected counters, matmuls or terms");
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
      codeBytes, ArrayRef<uint64_t>(counters), ArrayRef<int64_t>(matmuls),
      ArrayRef<WorkTermAttr>(terms));
}

void CostAttr::print(AsmPrinter &printer) const {
  printer << "<on " << stringifyUnitClass(getUnit()) << ", code "
          << getCodeBytes();
  if (!getCounters().empty()) {
    printer << ", counters = [";
    llvm::interleaveComma(getCounters(), printer);
    printer << "]";
  }
  if (!getMatmuls().empty()) {
    printer << ", matmuls = [";
    ArrayRef<int64_t> all = getMatmuls();
    for (size_t i = 0; i + 3 < all.size(); i += 4)
      printer << (i ? ", [" : "[") << all[i] << ", " << all[i + 1] << ", "
              << all[i + 2] << ", " << all[i + 3] << "]";
    printer << "]";
  }
  if (!getTerms().empty()) {
    printer << ", terms = [";
    llvm::interleaveComma(getTerms(), printer, [&](WorkTermAttr term) {
      printer << "<";
      term.printBare(printer);
      printer << ">";
    });
    printer << "]";
  }
  printer << ">";
}

LogicalResult CostAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               UnitClass, uint64_t, ArrayRef<uint64_t> counters,
                               ArrayRef<int64_t> matmuls,
                               ArrayRef<WorkTermAttr> terms) {
  if (matmuls.size() % 4)
    return emitError() << "a matrix product is [m, n, k, count]";
  for (int64_t size : matmuls)
    if (size < 1)
      return emitError() << "the sizes of a matrix product are positive, but "
                         << size << " was given";
  for (WorkTermAttr term : terms)
    for (uint32_t symbol : term.getSymbols())
      if (WorkTermAttr::isCounter(symbol) &&
          (symbol & 0x7fffffffu) >= counters.size())
        return emitError() << "a term uses counter " << (symbol & 0x7fffffffu)
                           << ", but there are " << counters.size();
  return success();
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
