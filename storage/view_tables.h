// The rows of the read models, in the store: a table for each view, and one that says what is in
// them. Its users hold the transactions.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sqlite.h"
#include "pipeline/view_changes.h"

namespace wayside {

// Columns and values, without time and entry.
using ViewRow = std::vector<std::pair<std::string, Value>>;

class ViewTables {
 public:
  explicit ViewTables(Database& db) : db_(db) {}
  static const char* schema();  // of the table of views
  static std::string table_of(const std::string& view) { return "view_" + view; }

  // What the table of views says of one: SELECT these columns FROM views, before any others.
  struct Entry {
    static constexpr const char* kColumns = "meaning, entry, rows, evicted, keys, crc";
    uint64_t meaning = 0;
    uint64_t entry = 0;  // the last one that has changed it
    uint64_t rows = 0;
    uint64_t evicted = 0;  // over max_rows
    uint64_t keys = 0;
  };
  static Result<Entry> read_entry(std::string_view name, const Statement& row);

  // Tables for these views and no others; one that means something else than before begins empty.
  Status set(const std::vector<ViewShape>& shapes);
  // Nothing is in them then. Those in which nothing ever was stay: a full disk has no room even for
  // their going.
  Status clear();
  // What a journal entry changes, unless a view has it already; then those that are too many go,
  // the oldest first. Counts once committed() is called.
  Status apply(const ViewChanges& changes, uint64_t entry);
  void committed() {
    views_ = next_;
    waiting_.reset();
  }
  // There was no room for set(): the next apply() does it first.
  void put_off(std::vector<ViewShape> shapes) { waiting_ = std::move(shapes); }

  // The first row whose first column is that; empty: there is none, or no such view.
  Result<ViewRow> row(const std::string& view, std::string_view name);

  Status for_each_row(const std::string& view,
                      const std::function<void(const ViewRow& row, int64_t time_ms)>& take);

  struct Totals {
    std::string name;
    uint64_t rows = 0;
    uint64_t evicted = 0;  // over max_rows
  };
  std::vector<Totals> totals() const;

 private:
  struct View {
    std::shared_ptr<const ViewShape> shape;  // shared, since views are copied with each commit
    uint64_t entry = 0;                      // the last one that has changed it
    uint64_t rows = 0;
    uint64_t evicted = 0;
  };
  const View* find(const std::string& name) const;
  Result<std::vector<std::string>> names(const char* which) const;  // SQL over the table of views
  Result<bool> load(View& view) const;
  Status drop(const std::string& name);
  Status create(const View& view);
  Status write(const View& view);
  Status change(View& view, std::span<const ViewChange> changes, uint64_t entry);
  Status evict(View& view);

  Database& db_;
  std::vector<View> views_;  // as they are committed
  std::vector<View> next_;   // as they will be
  std::optional<std::vector<ViewShape>> waiting_;
};

}  // namespace wayside
