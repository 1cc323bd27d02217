#include "pipeline/expression.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

const std::vector<Field> kFields = {
    {"temp_c", FieldType::kNumber}, {"door", FieldType::kText}, {"moving", FieldType::kBool}};

struct ExpressionRows {
  std::vector<double> temp_c;
  std::vector<std::string> door;  // "" is NULL
  std::vector<double> moving;
};

class Expression : public testing::Test {
 protected:
  ExpressionError error_of(const std::vector<std::string>& expressions) {
    ExpressionError error;
    EXPECT_EQ(engine_.compile(kFields, expressions, error), nullptr) << expressions.front();
    return error;
  }
  ExpressionError error_of(const std::string& expression) {
    return error_of(std::vector{expression});
  }

  std::vector<Value> values_of(const std::string& expression, const ExpressionRows& rows) {
    ExpressionError error;
    auto set = engine_.compile(kFields, {expression}, error);
    EXPECT_NE(set, nullptr) << expression << ": " << error.message;
    std::vector<Value> values;
    if (!set) return values;
    Interner texts;
    std::vector<uint32_t> doors;
    for (const std::string& d : rows.door)
      doors.push_back(d.empty() ? Interner::kNone : texts.intern(d));
    Table table{
        rows.temp_c.size(),
        {{.numbers = rows.temp_c.data()}, {.texts = doors.data()}, {.numbers = rows.moving.data()}},
        &texts};
    faults_ = !set->evaluate(table,
                             [&](size_t row, const ExpressionSet::RowValues& v) {
                               EXPECT_LT(row, table.rows);
                               values.resize(row);
                               values.push_back(v.value(0));
                             })
                   .none();
    values.resize(table.rows);
    return values;
  }
  Value value_of(const std::string& expression) {
    return values_of(expression, {{21.5}, {"open"}, {1}}).at(0);
  }

  ExpressionEngine engine_;
  bool faults_ = false;
};

TEST_F(Expression, is_sqlite_over_the_fields) {
  const struct {
    const char* expression;
    Value value;
  } cases[] = {
      {"temp_c", 21.5},
      {"TEMP_C * 2", 43.0},
      {"temp_c > 20 AND door = 'open'", 1.0},
      {"door || '!'", std::string("open!")},
      {"moving", 1.0},
      {"CASE WHEN temp_c > 30 THEN 1 END", std::monostate()},
      {"max(temp_c, 30)", 30.0},
      {"coalesce(NULL, 'x')", std::string("x")},
      {"temp_c -- a comment", 21.5},
      {"5 / 2", 2.0},         // integers as SQL has them,
      {"temp_c / 2", 10.75},  // fields are REAL
      {"temp_c / 0", std::monostate()},
  };
  for (const auto& c : cases) EXPECT_EQ(value_of(c.expression), c.value) << c.expression;
}

TEST_F(Expression, a_missing_value_is_null_and_null_is_neither_true_nor_false) {
  const ExpressionRows rows{{kNull, 1}, {"", "open"}, {kNull, 0}};
  const std::vector<Value> null_then_number = {std::monostate(), 2.0};
  EXPECT_EQ(values_of("temp_c + 1", rows), null_then_number);
  EXPECT_EQ(values_of("door IS NULL", rows), (std::vector<Value>{1.0, 0.0}));
  EXPECT_EQ(values_of("moving IS NULL", rows), (std::vector<Value>{1.0, 0.0}));
  EXPECT_EQ(values_of("door = 'open'", rows), (std::vector<Value>{std::monostate(), 1.0}));

  ExpressionError error;
  auto set = engine_.compile(kFields, {"temp_c > 0", "door"}, error);
  ASSERT_NE(set, nullptr);
  const double temps[] = {kNull, 1, -1};
  const uint32_t doors[] = {Interner::kNone, 0, 0};
  Interner texts;
  texts.intern("open");
  std::vector<int> truths;
  Table table{3, {{.numbers = temps}, {.texts = doors}, {.numbers = temps}}, &texts};
  ASSERT_TRUE(set->evaluate(table,
                            [&](size_t, const ExpressionSet::RowValues& v) {
                              truths.push_back(v.truth(0));
                              EXPECT_TRUE(is_null(v.number(1))) << "a text is no number";
                            })
                  .none());
  EXPECT_EQ(truths, (std::vector<int>{-1, 1, 0}));
}

TEST_F(Expression, an_error_names_the_place_and_the_nearest_name) {
  const struct {
    const char* expression;
    size_t offset;
    const char* message;
  } cases[] = {
      {"door = 'open' AND tmp_c > 5", 18, "unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {"1 + humidity", 4, "unknown field 'humidity'"},
      {"temp_c > abz(1)", 9, "unknown function 'abz'; did you mean 'abs'?"},
      {"temp_c >", 8, nullptr},
      {"door = \"open\"", 7, nullptr},  // double quotes are for names, not for texts
  };
  for (const auto& c : cases) {
    const ExpressionError error = error_of(c.expression);
    EXPECT_EQ(error.offset, c.offset) << c.expression;
    if (!c.message) continue;
    EXPECT_EQ(error.message, c.message) << c.expression;
  }
}

TEST_F(Expression, an_error_says_which_of_several_expressions_it_is_in) {
  const ExpressionError error = error_of({"temp_c > 1", "dor = 'open'", "nothing"});
  EXPECT_EQ(error.expression, 1u);
  EXPECT_EQ(error.offset, 0u);
  EXPECT_EQ(error.message, "unknown field 'dor'; did you mean 'door'?");
}

TEST_F(Expression, functions_whose_answer_changes_are_denied_by_name) {
  const struct {
    const char* expression;
    const char* function;
  } cases[] = {
      {"temp_c > random()", "random"},
      {"RANDOM()", "random"},
      {"datetime('now')", "datetime"},
      {"strftime('%s', 0)", "strftime"},
      {"CURRENT_TIMESTAMP", "current_timestamp"},
      {"julianday(0)", "julianday"},
      {"sqlite_version()", "sqlite_version"},
      {"last_insert_rowid()", "last_insert_rowid"},
      {"wayside_row(temp_c)", "wayside_row"},
  };
  for (const auto& c : cases) {
    const std::string message = error_of(c.expression).message;
    EXPECT_EQ(message,
              std::string("function ") + c.function + "() is not allowed: its answer changes");
  }
}

// Each of these would see more than its row: other rows of the batch, their number, or the
// database.
TEST_F(Expression, sees_its_own_row_and_nothing_else) {
  const char* cases[] = {
      "(SELECT 1)",
      "EXISTS (SELECT 1 FROM sqlite_master)",
      "temp_c IN (SELECT 1)",
      "temp_c IN sqlite_master",
      "avg(temp_c)",
      "count(*)",
      "row_number() OVER ()",
      "avg(temp_c) OVER ()",
      "lag(temp_c) OVER ()",
      "rowid",
      "_rowid_ + 1",
      "temp_c, door",
      "temp_c) FROM batch0; --",
      "temp_c) FROM batch0 WHERE temp_c > 5 /*",
      "temp_c); DROP TABLE x",
      "?1",
      "",
  };
  for (const char* expression : cases) {
    ExpressionError error;
    EXPECT_EQ(engine_.compile(kFields, {expression}, error), nullptr) << expression;
    EXPECT_NE(error.message, "") << expression;
  }
}

TEST_F(Expression, a_wrong_one_does_not_spoil_the_engine_for_others) {
  error_of("random()");
  error_of("nothing");
  EXPECT_EQ(value_of("temp_c"), Value(21.5));
}

TEST_F(Expression, a_row_that_cannot_be_evaluated_is_null_and_the_rows_after_it_are_not) {
  const ExpressionRows rows{{1, 2, 3}, {"{\"a\":7}", "{\"a\":", "{\"a\":9}"}, {0, 0, 0}};
  EXPECT_EQ(values_of("json_extract(door, '$.a')", rows),
            (std::vector<Value>{7.0, std::monostate(), 9.0}));
  EXPECT_TRUE(faults_) << "and it is told";
}

TEST_F(Expression, a_constant_that_cannot_be_evaluated_is_null_in_each_row) {
  EXPECT_EQ(values_of("abs(-9223372036854775807 - 1)", {{1, 2, 3}, {"a", "b", "c"}, {0, 0, 0}}),
            std::vector<Value>(3));
  EXPECT_TRUE(faults_) << "and it is told";
}

TEST_F(Expression, a_fault_is_null_alone_and_its_rows_are_told) {
  ExpressionError error;
  auto set = engine_.compile(kFields, {"temp_c", "json_extract(door, '$.a')", "moving + 1"}, error);
  ASSERT_NE(set, nullptr);
  Interner texts;
  const uint32_t good = texts.intern("{\"a\":7}"), bad = texts.intern("{");
  const double x[] = {1, 2, 3, 4};
  const uint32_t doors[] = {bad, good, bad, bad};
  const uint8_t present[] = {1, 1, 1, 0};
  Table table{4, {{.numbers = x}, {.texts = doors}, {.numbers = x}}, &texts, 0, present};
  std::vector<std::vector<Value>> rows;
  const auto faults = set->evaluate(table, [&](size_t row, const ExpressionSet::RowValues& v) {
    EXPECT_EQ(row, rows.size());
    rows.push_back({v.value(0), v.value(1), v.value(2)});
  });
  EXPECT_EQ(rows, (std::vector<std::vector<Value>>{
                      {1.0, Value(), 2.0}, {2.0, 7.0, 3.0}, {3.0, Value(), 4.0}}));
  EXPECT_EQ(faults.rows, (std::vector<size_t>{0, 2}));
  EXPECT_EQ(faults.message, "malformed JSON");
}

TEST_F(Expression, what_a_row_throws_passes_through_and_the_set_goes_on) {
  ExpressionError error;
  auto set = engine_.compile({{"x"}}, {"x"}, error);
  ASSERT_NE(set, nullptr);
  const double numbers[] = {1, 2};
  const Table table{2, {{.numbers = numbers}}};
  EXPECT_THROW((void)set->evaluate(table, [](size_t, const auto&) { throw std::bad_alloc(); }),
               std::bad_alloc);
  size_t rows = 0;
  EXPECT_TRUE(set->evaluate(table, [&](size_t, const auto&) { ++rows; }).none());
  EXPECT_EQ(rows, 2u);
}

TEST_F(Expression, a_row_may_evaluate_other_expressions) {
  ExpressionError error;
  auto outer = engine_.compile({{"x"}}, {"x"}, error);
  auto inner = engine_.compile({{"x"}}, {"x * 10"}, error);
  const double numbers[] = {1, 2};
  const Table table{2, {{.numbers = numbers}}};
  std::vector<double> seen;
  ASSERT_TRUE(outer
                  ->evaluate(table,
                             [&](size_t, const auto& o) {
                               seen.push_back(o.number(0));
                               (void)inner->evaluate(table, [&](size_t, const auto& i) {
                                 seen.push_back(i.number(0));
                               });
                             })
                  .none());
  EXPECT_EQ(seen, (std::vector<double>{1, 10, 20, 2, 10, 20}));
}

TEST_F(Expression, a_set_holds_as_many_as_its_limit_and_no_more) {
  std::vector<std::string> expressions(kMaxExpressions, "temp_c");
  ExpressionError error;
  EXPECT_NE(engine_.compile(kFields, expressions, error), nullptr) << error.message;
  expressions.push_back("door");
  error = error_of(expressions);
  EXPECT_EQ(error.expression, kMaxExpressions);
  EXPECT_EQ(error.message, "at most 127 expressions are possible here");
}

TEST_F(Expression, the_same_set_serves_batch_after_batch) {
  ExpressionError error;
  auto set = engine_.compile({{"x"}}, {"x * 2"}, error);
  ASSERT_NE(set, nullptr);
  for (size_t rows : {3u, 0u, 1u, 5u}) {
    const std::vector<double> x(rows, double(rows));
    size_t seen = 0;
    ASSERT_TRUE(set->evaluate({rows, {{.numbers = x.data()}}, nullptr},
                              [&](size_t row, const ExpressionSet::RowValues& v) {
                                EXPECT_EQ(row, seen++);
                                EXPECT_EQ(v.number(0), 2.0 * double(rows));
                              })
                    .none());
    EXPECT_EQ(seen, rows);
  }
}

TEST_F(Expression, only_the_rows_that_are_asked_for_are_evaluated) {
  ExpressionError error;
  auto set = engine_.compile(kFields, {"json_extract(door, '$.a')"}, error);
  ASSERT_NE(set, nullptr);
  Interner texts;
  const uint32_t good = texts.intern("{\"a\":7}"), bad = texts.intern("{");
  const double x[] = {0, 0, 0, 0, 0, 0};
  const uint32_t doors[] = {bad, good, bad, good, bad, bad};
  const uint8_t present[] = {1, 1, 0, 1, 0, 0};
  Table table{6, {{.numbers = x}, {.texts = doors}, {.numbers = x}}, &texts, 1, present};
  std::vector<size_t> rows;
  EXPECT_TRUE(set->evaluate(table, [&](size_t row,
                                       const ExpressionSet::RowValues&) { rows.push_back(row); })
                  .none());
  EXPECT_EQ(rows, (std::vector<size_t>{1, 3}));
}

TEST_F(Expression, a_row_sees_what_the_call_for_the_one_before_has_written) {
  ExpressionError error;
  auto set = engine_.compile({{"x"}, {"sum"}}, {"sum + x"}, error);
  ASSERT_NE(set, nullptr);
  const double x[] = {1, 2, 3, 4, 5};
  const uint32_t places[] = {0, 1, 0, 0, 1};
  std::vector<Value> sums{0.0, 100.0};
  Table table{5, {{.numbers = x}, {.values = sums.data(), .places = places}}, nullptr};
  ASSERT_TRUE(set->evaluate(table,
                            [&](size_t row, const ExpressionSet::RowValues& v) {
                              sums[places[row]] = v.value(0);
                            })
                  .none());
  EXPECT_EQ(sums, (std::vector<Value>{8.0, 107.0}));
}

}  // namespace
}  // namespace wayside
