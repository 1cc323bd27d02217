// `[[lookup]]`: readings go on with columns of a table that is kept outside, of the row that has
// their text; with `since` of several the one that held at their time. What the table holds comes
// with the journal, whenever it has changed; readings see what it held when they came.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/columns.h"
#include "pipeline/lookup_contents.h"
#include "pipeline/one_dictionary.h"
#include "pipeline/options.h"

namespace wayside {

class Lookup final : public Block {
 public:
  // Null: `error` says why. Input and engine outlive it.
  static std::unique_ptr<Lookup> make(const LookupOptions& options, const Stream& input,
                                      ExpressionEngine& engine, BlockError& error);

  static std::vector<Field> columns_of(const LookupOptions& options);

  // From here on the table holds this. What cannot be read is passed over: it comes from a journal
  // that is damaged, or of another version.
  void set_contents(std::string_view bytes);
  const std::string& contents() const { return contents_; }  // "" as long as nothing came

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  std::vector<Stream*> outputs() override { return {output_.get()}; }

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override { return match_.faults(); }
  uint64_t fingerprint() const override;
  bool keeps_keys() const override { return false; }
  void save_totals(ByteWriter& out) const override { out.varint(passed_); }
  void load_totals(ByteReader& in) override { passed_ = in.varint(); }

 private:
  Lookup(const LookupOptions& options, const Stream& input)
      : options_(options), input_(input), columns_(columns_of(options)) {}
  static constexpr uint32_t kNoRow = UINT32_MAX;
  // Rows of the table with the same text, in the order of their times.
  struct Span {
    uint32_t begin;
    uint32_t end;
  };

  bool compile(ExpressionEngine& engine, BlockError& error);
  void find_rows(const Rows& rows);
  uint32_t row_at(const Span& span, int64_t time_ms) const;
  void take_column(size_t column, const LookupContents& contents,
                   const std::vector<uint32_t>& order);

  LookupOptions options_;
  const Stream& input_;
  ColumnExpressions match_;
  std::vector<Field> columns_;  // that it adds
  std::unique_ptr<Stream> output_;
  uint64_t passed_ = 0;

  std::string contents_;
  std::unordered_map<std::string, Span, TextHash, std::equal_to<>> rows_;
  std::vector<int64_t> since_;  // by row
  std::vector<Column> table_;   // by column, then by row
  Interner texts_;              // of the table

  // Of a batch.
  std::vector<uint32_t> found_;  // the table's rows
  std::vector<uint8_t> present_;
  std::vector<Column> made_;
  OneDictionary dictionary_;
};

}  // namespace wayside
