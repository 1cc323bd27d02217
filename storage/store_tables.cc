#include "storage/store_tables.h"

#include <algorithm>
#include <optional>

namespace wayside {

class QuarantineTable::Scan : public SqlScan {
 public:
  explicit Scan(std::optional<Statement> select) : select_(std::move(select)) {}
  Result<bool> next() override {
    if (!select_) return false;
    return select_->step();
  }
  void column(size_t column, SqlCell& cell) const override {
    constexpr size_t kTexts = 3;  // before it are numbers
    const int i = static_cast<int>(column);
    column < kTexts ? cell.set(select_->column_int(i)) : cell.set(select_->column_text(i));
  }

 private:
  std::optional<Statement> select_;  // none: there is no store
};

Result<std::unique_ptr<QuarantineTable>> QuarantineTable::open(Disk& disk,
                                                               const std::string& state_dir) {
  auto table = std::make_unique<QuarantineTable>();
  WS_ASSIGN(const std::vector<std::string> names, disk.list(state_dir));
  if (!std::binary_search(names.begin(), names.end(), "wayside.db")) return table;
  WS_ASSIGN(table->db_, Database::open(state_dir + "/wayside.db", Database::Mode::kReadOnly,
                                       disk.sqlite_vfs()));
  return table;
}

Result<std::unique_ptr<SqlScan>> QuarantineTable::scan(const std::vector<SqlBound>&,
                                                       const std::function<bool()>&) {
  std::optional<Statement> select;
  if (db_) {
    WS_ASSIGN(select, db_->prepare("SELECT entry, number, wall_ms, source, reason, detail, topic, "
                                   "payload FROM quarantine ORDER BY entry, number"));
  }
  return std::unique_ptr<SqlScan>(new Scan(std::move(select)));
}

}  // namespace wayside
