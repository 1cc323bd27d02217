// Expressions over the cleaned rows of a source. A plain column name costs nothing: it is the
// column itself.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/expression.h"
#include "sensors/clean.h"

namespace wayside {

// What is wrong in a block, and where: the configuration turns it into file:line:column.
struct BlockError {
  std::string block;
  std::string item;  // "where", "select.avg_c", "when", …
  size_t offset = 0;
  std::string message;
};

// The text field that is all of the expression; null where it is something else.
const Field* text_field(const Schema& schema, std::string_view expression);

// The fields of a stream, and `time` (event time in ms) where no field has this name.
std::vector<Field> visible_columns(const Schema& schema);

// What an expression gives: texts if it is a text field, or CAST(… AS TEXT), else numbers.
FieldType type_of(const Schema& schema, std::string_view expression);

class ColumnExpressions {
 public:
  // Texts of expressions by item name, for the error.
  struct Item {
    std::string name;
    std::string text;
    size_t offset = 0;  // where the text begins in the item
    size_t lead = 0;    // bytes at the begin of the text that do not stand in the item
    FieldType type = FieldType::kNumber;  // what is wanted of it: numbers or texts
  };
  // False: `error` (without its block) says why.
  bool compile(ExpressionEngine& engine, const Schema& schema, const std::vector<Item>& items,
               BlockError& error);

  // Evaluates all items over the view. One that cannot be evaluated over a row (an overflow, say),
  // or gives a text where a number is wanted, is NULL there; it is an error of data, not of the
  // program, and rows with one are counted. Rows that are not `present` are not evaluated, their
  // computed items are NULL.
  void evaluate(const BatchView& view, const uint8_t* present = nullptr);
  // Numbers, one a row; kNull for NULL and for texts. Valid until the next evaluate(), while the
  // view lives.
  const double* values(size_t item) const { return results_[item].numbers; }
  // Texts, for items that want them: ids of the dictionary, Interner::kNone for NULL.
  const uint32_t* texts(size_t item) const { return results_[item].texts; }
  const Interner* dictionary(size_t item) const { return dictionaries_[item]; }
  uint64_t faults() const { return faults_; }  // rows with one

 private:
  void compute(const BatchView& view, const uint8_t* present);
  void compute(size_t set, const Table& table);
  void count_faults();

  static constexpr size_t kComputed = SIZE_MAX;
  std::vector<size_t> plain_;                         // by item: the column, or kComputed
  std::vector<std::unique_ptr<ExpressionSet>> sets_;  // of kMaxExpressions each, but for the last
  std::vector<size_t> computed_items_;
  std::vector<Column> computed_;
  Interner computed_texts_;
  std::vector<FieldType> types_;  // by item
  std::vector<ColumnView> results_;
  std::vector<const Interner*> dictionaries_;
  uint64_t faults_ = 0;
  std::vector<size_t> faulty_rows_;  // of a view, some twice
};

}  // namespace wayside
