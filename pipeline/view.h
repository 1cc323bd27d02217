// `[[view]]`: a read model, rows named by their key, each as the last reading has left it. The
// block says what changes and keeps nothing; the rows are the store's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/columns.h"
#include "pipeline/options.h"

namespace wayside {

class View final : public Block {
 public:
  // Null: `error` says why. Input and engine outlive it. `number`: its place among the views.
  static std::unique_ptr<View> make(const ViewOptions& options, const Stream& input, size_t number,
                                    ExpressionEngine& engine, BlockError& error);
  const ViewShape& shape() const { return shape_; }  // without its meaning
  // Whether it has a row for each window of what it reads.
  static bool is_by_window(const ViewOptions& options);
  bool names_key() const;  // are the rows of each key its own?

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override { return expressions_.faults(); }
  uint64_t fingerprint() const override;
  bool keeps_keys() const override { return false; }
  void save_totals(ByteWriter& out) const override;
  void load_totals(ByteReader& in) override;

 private:
  View(const ViewOptions& options, const Stream& input, size_t number)
      : options_(options), input_(input), number_(number) {}
  bool name_rows(BlockError& error);
  bool add_columns(BlockError& error);
  void add_column(const std::string& item, const std::string& name, const std::string& expression);
  bool is_column(const std::string& name) const;
  bool name_row(size_t row);
  Value value(size_t column, size_t row) const;

  ViewOptions options_;
  const Stream& input_;
  const size_t number_;
  ViewShape shape_;
  std::vector<ColumnExpressions::Item> items_;  // the columns, then the conditions that there are
  ColumnExpressions expressions_;
  size_t where_ = 0;  // places of the conditions; 0: there is none
  size_t delete_when_ = 0;
  uint64_t changes_ = 0;
  uint64_t nameless_ = 0;  // readings with NULL where a row's name should be
  std::string row_name_;   // scratch
};

}  // namespace wayside
