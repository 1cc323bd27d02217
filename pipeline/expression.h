// Expressions are SQLite's: compiled once, evaluated over columns. Only this file's .cc knows the
// virtual table through which SQLite sees a batch. An expression may use the columns and pure
// functions, nothing else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/interner.h"
#include "base/value.h"
#include "sensors/reading.h"

struct sqlite3_value;

namespace wayside {

// One of the first five is set; or numbers and texts: a text where there is no number.
struct TableColumn {
  const double* numbers = nullptr;
  const int64_t* integers = nullptr;
  const uint32_t* texts = nullptr;  // ids of the table's dictionary
  const std::string* strings = nullptr;
  const Value* values = nullptr;
  const uint32_t* places = nullptr;  // by row: where its value stands; null: at the row
  bool whole = false;                // see ColumnView
};

// Columns are read row by row, when a row is evaluated: what the call for one writes there, the
// next ones see.
struct Table {
  size_t rows = 0;
  std::vector<TableColumn> columns;
  const Interner* dictionary = nullptr;
  size_t begin = 0;                  // rows before it are not evaluated,
  const uint8_t* present = nullptr;  // nor those that have a 0 here
};

struct ExpressionError {
  size_t expression = 0;  // which of those given
  size_t offset = 0;      // where in it, in bytes
  std::string message;    // with the nearest valid name, where one was not found
};

class ExpressionSet;
struct ExpressionRun;

constexpr size_t kMaxExpressions = 127;  // of one set: SQLite's limit for a function's arguments

// One SQLite connection in memory, shared by the expressions of a pipeline. Owned by one thread.
class ExpressionEngine {
 public:
  ExpressionEngine();
  ~ExpressionEngine();
  ExpressionEngine(const ExpressionEngine&) = delete;
  ExpressionEngine& operator=(const ExpressionEngine&) = delete;

  // Null when one of them is wrong, or there are more than kMaxExpressions; `error` then says
  // which. The engine must outlive the set.
  std::unique_ptr<ExpressionSet> compile(const std::vector<Field>& columns,
                                         const std::vector<std::string>& expressions,
                                         ExpressionError& error);

 private:
  friend class ExpressionSet;
  struct State;
  std::unique_ptr<State> state_;
};

class ExpressionSet {
 public:
  ~ExpressionSet();

  // The values of one row, in the order of the expressions; valid during the call only.
  class RowValues {
   public:
    double number(size_t expression) const;  // kNull for NULL, and for a text
    // `mistyped` is set where it is a text, and stays as it is otherwise.
    double number(size_t expression, bool& mistyped) const;
    int truth(size_t expression) const;  // 1 true, 0 false, -1 NULL
    Value value(size_t expression) const;

   private:
    friend struct ExpressionRun;
    friend class ExpressionSet;
    explicit RowValues(sqlite3_value** values) : values_(values) {}
    sqlite3_value** values_;
  };
  // Rows over which an expression could not be evaluated, ascending, and what SQLite said of the
  // last of them (malformed JSON, number overflow in a function).
  struct Faults {
    std::vector<size_t> rows;
    std::string message;
    bool none() const { return rows.empty(); }
  };
  // Calls back for each row, in order. A fault is of one row and one expression: that one is NULL.
  Faults evaluate(const Table& table, const std::function<void(size_t, const RowValues&)>& row);

 private:
  friend class ExpressionEngine;
  ExpressionSet() = default;
  int evaluate_alone(size_t row, ExpressionRun& run, Faults& faults);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wayside
