// A condition of the configuration: it compiles and computes, or says what is wrong with it.
#include "pipeline/expression.h"

#include <cstdlib>

#include "tests/fuzz/patch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wayside;
  constexpr std::string_view kSample =
      "door = 'open' AND (temp_c > 5.5 OR abs(temp_c) NOT IN (1, 2)) AND CASE WHEN door LIKE 'o%' "
      "THEN 1 END";
  const std::string text = fuzz_input(kSample, data, size);
  ExpressionEngine engine;  // an old one has seen many tables and is slow
  ExpressionError error;
  const auto set =
      engine.compile({{"temp_c", FieldType::kNumber}, {"door", FieldType::kText}}, {text}, error);
  if (!set) {
    if (error.message.empty() || error.expression != 0 || error.offset > text.size()) std::abort();
    return 0;
  }
  const double temperatures[] = {6, kNull};
  Interner texts;
  const uint32_t doors[] = {texts.intern("open"), Interner::kNone};
  Table table;
  table.rows = 2;
  table.columns.resize(2);
  table.columns[0].numbers = temperatures;
  table.columns[1].texts = doors;
  table.dictionary = &texts;
  size_t rows = 0;
  (void)set->evaluate(table, [&](size_t, const ExpressionSet::RowValues& row) {
    ++rows;
    const int truth = row.truth(0);
    if (truth < -1 || truth > 1) std::abort();
    (void)row.number(0);
    (void)row.value(0);
  });
  if (rows != 2) std::abort();
  return 0;
}
