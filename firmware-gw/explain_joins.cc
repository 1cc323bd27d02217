// Joins: the two rows that were joined.
#include <algorithm>

#include "firmware-gw/explain_kinds.h"

namespace wayside {
namespace {

class OfJoin : public Rests {
 public:
  OfJoin(const ToldRow& told, RestsContext& context, const JoinOptions& options)
      : Rests(told, context.limit), options_(options) {
    std::vector<std::string> texts;
    for (const auto& [alias, text] : options.select) texts.push_back(text);
    select_ = expressions_of(told, context, std::move(texts));
  }

  // The pair whose times fit; of several the last one.
  void finish() override {
    for (auto left = left_.rbegin(); left != left_.rend(); ++left) {
      const Kept right = options_.is_interval() ? partner_of(**left) : match_of(**left);
      if (options_.is_interval() && !right) continue;
      keep(*left);
      if (right) keep(right);
      return;
    }
  }

 private:
  void take(const SeenRow& row) override {
    if (!row.is_taken() || row.time_ms() > told_.time_ms) return;
    if (row.input == 0) {
      const bool fits = options_.is_interval() || row.time_ms() == told_.time_ms;
      if (fits && row.has_fields_of(told_)) add(left_, row);
    } else if (!options_.is_interval() || has_items(row)) {
      add(right_, row);
    }
  }
  void clear() override {
    left_.clear();
    right_.clear();
  }
  // As many as may wait.
  void add(std::deque<Kept>& rows, const SeenRow& row) const {
    rows.push_back(row.told());
    if (rows.size() > options_.max_rows) rows.pop_front();
  }
  bool has_items(const SeenRow& row) const {
    if (options_.select.empty()) return row.has_fields_of(told_);
    if (!select_->evaluate(row)) return false;
    for (size_t i = 0; i < options_.select.size(); ++i) {
      const Value* same = told_.find(options_.select[i].first);
      if (!same || !is_same(*same, select_->value(i))) return false;
    }
    return true;
  }
  // As of: the last one up to its time; of equal times the one that came last.
  Kept match_of(const ToldRow& left) const {
    Kept best;
    for (const Kept& right : right_) {
      const bool better = !best || right->time_ms >= best->time_ms;
      if (right->time_ms <= left.time_ms && better) best = right;
    }
    const bool old =
        best && options_.within_ms > 0 && left.time_ms - best->time_ms > options_.within_ms;
    return old ? nullptr : best;
  }
  Kept partner_of(const ToldRow& left) const {
    for (auto right = right_.rbegin(); right != right_.rend(); ++right) {
      const int64_t time = (*right)->time_ms;
      const bool near = time >= saturating_add(left.time_ms, -options_.before_ms.value_or(0)) &&
                        time <= saturating_add(left.time_ms, options_.after_ms.value_or(0));
      if (near && std::max(left.time_ms, time) == told_.time_ms) return *right;
    }
    return nullptr;
  }

  const JoinOptions& options_;
  std::shared_ptr<RowExpressions> select_;
  std::deque<Kept> left_, right_;
};

}  // namespace

std::unique_ptr<Rests> rests_of_join(const ToldRow& told, RestsContext& context,
                                     const JoinOptions& options) {
  return std::make_unique<OfJoin>(told, context, options);
}

}  // namespace wayside
