// Blocks that hand rows on, one for each.
#include "firmware-gw/explain_kinds.h"

namespace wayside {
namespace {

class OfRow : public Rests {
 public:
  OfRow(const ToldRow& told, size_t limit, SameRow same) : Rests(told, limit), same_(same) {}
  bool is_by_cause() const override { return true; }

 private:
  void take(const SeenRow& row) override {
    if (!(row.cause == told_.cause) || !has_key(row)) return;
    if (same_.time && row.time_ms() != told_.time_ms) return;
    if (!same_.fields || row.has_fields_of(told_)) keep(row);
  }
  const SameRow same_;
};

class OfOrder : public Rests {
 public:
  OfOrder(const ToldRow& told, size_t limit) : Rests(told, limit) { last_ = 1; }

 private:
  void take(const SeenRow& row) override {
    if (row.time_ms() != told_.time_ms || !row.is_taken()) return;
    if (row.has_fields_of(told_)) keep(row);
  }
};

// What the row becomes must be what was told: rows that come by the same cause may be of many keys.
class OfMap : public Rests {
 public:
  OfMap(const ToldRow& told, RestsContext& context, const MapOptions& options)
      : Rests(told, context.limit), options_(options) {
    std::vector<std::string> texts;
    for (const auto& [alias, text] : options.select) texts.push_back(text);
    if (!options.where.empty()) texts.push_back(options.where);
    expressions_ = expressions_of(told, context, std::move(texts));
    if (!options.explode.empty()) note_ = "one of these: its array has the element";
  }
  bool is_by_cause() const override { return true; }

 private:
  void take(const SeenRow& row) override {
    if (!(row.cause == told_.cause) || row.time_ms() != told_.time_ms) return;
    if (options_.key.empty() && !has_key(row)) return;
    if (!options_.explode.empty() || becomes_told(row)) keep(row);
  }
  bool becomes_told(const SeenRow& row) const {
    if (!expressions_->evaluate(row)) return false;
    const auto& select = options_.select;
    if (!options_.where.empty() && !expressions_->is_true(select.size())) return false;
    for (size_t i = 0; i < select.size(); ++i) {
      if (!is_told(select[i].first, expressions_->value(i))) return false;
    }
    if (!select.empty()) return true;
    for (const NamedValue& f : row.told()->fields) {
      if (!is_told(f.name, f.value)) return false;
    }
    return true;
  }
  bool is_told(const std::string& name, const Value& value) const {
    if (name == options_.key) return value == Value(told_.key);
    const Value* told = told_.find(name);
    return told && is_same(*told, value);
  }

  const MapOptions& options_;
  std::shared_ptr<RowExpressions> expressions_;
};

}  // namespace

std::unique_ptr<Rests> rests_of_row(const ToldRow& told, RestsContext& context, SameRow same) {
  return std::make_unique<OfRow>(told, context.limit, same);
}

std::unique_ptr<Rests> rests_of_order(const ToldRow& told, RestsContext& context) {
  return std::make_unique<OfOrder>(told, context.limit);
}

std::unique_ptr<Rests> rests_of_map(const ToldRow& told, RestsContext& context,
                                    const MapOptions& options) {
  return std::make_unique<OfMap>(told, context, options);
}

}  // namespace wayside
