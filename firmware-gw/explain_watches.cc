// Blocks that look for rows which meet a condition: rules, detectors and patterns.
#include "firmware-gw/explain_kinds.h"

namespace wayside {
namespace {

class OfRule : public Rests {
 public:
  OfRule(const ToldRow& told, RestsContext& context, const RuleOptions& options)
      : Rests(told, context.limit),
        from_(options.from),
        when_(expressions_of(told, context, {options.when})) {
    since_ = time_of(told.find("since")).value_or(told.time_ms);
    const Value* state = told.find("state");
    cleared_ = state && *state == Value(std::string("cleared"));
  }
  Given given() const override { return {from_, true}; }

 private:
  void take(const SeenRow& row) override {
    const int64_t time = row.time_ms();
    if (!row.is_taken() || time < since_ || time > told_.time_ms) return;
    const bool clears = cleared_ && time == told_.time_ms;
    if (clears || (when_->evaluate(row) && when_->is_true(0))) keep(row);
  }
  void said_at_end() override {
    if (cleared_) note_ = "cleared because the key was forgotten, not by a reading";
  }
  const std::string from_;
  std::shared_ptr<RowExpressions> when_;
  int64_t since_;
  bool cleared_;
};

class OfDetector : public Rests {
 public:
  OfDetector(const ToldRow& told, RestsContext& context, const DetectorOptions& options)
      : Rests(told, context.limit),
        from_(options.from),
        field_(expressions_of(told, context, {options.field})) {
    last_ = options.history + 1;
    note_ = "the value, and the last ones before it that it was compared with";
  }
  Given given() const override { return {from_, true}; }

 private:
  void take(const SeenRow& row) override {
    if (!row.is_taken() || row.time_ms() > told_.time_ms || !field_->evaluate(row)) return;
    if (!std::holds_alternative<std::monostate>(field_->value(0))) keep(row);
  }
  const std::string from_;
  std::shared_ptr<RowExpressions> field_;
};

class OfPattern : public Rests {
 public:
  OfPattern(const ToldRow& told, RestsContext& context, const PatternOptions& options)
      : Rests(told, context.limit) {
    std::vector<std::string> conditions;
    for (const PatternStep& step : options.steps) {
      if (!step.absent) conditions.push_back(step.when);
    }
    count_ = conditions.size();
    steps_ = expressions_of(told, context, std::move(conditions));
    start_ = time_of(told.find("match_start")).value_or(told.time_ms);
    end_ = time_of(told.find("match_end")).value_or(told.time_ms);
    note_ = "readings of the match's time that meet a step; those that it took are among them";
  }

 private:
  void take(const SeenRow& row) override {
    const int64_t time = row.time_ms();
    if (!row.is_taken() || time < start_ || time > end_ || !steps_->evaluate(row)) return;
    for (size_t i = 0; i < count_; ++i) {
      if (steps_->is_true(i)) return keep(row);
    }
  }
  size_t count_ = 0;
  std::shared_ptr<RowExpressions> steps_;
  int64_t start_, end_;
};

}  // namespace

std::unique_ptr<Rests> rests_of_rule(const ToldRow& told, RestsContext& context,
                                     const RuleOptions& options) {
  return std::make_unique<OfRule>(told, context, options);
}

std::unique_ptr<Rests> rests_of_detector(const ToldRow& told, RestsContext& context,
                                         const DetectorOptions& options) {
  return std::make_unique<OfDetector>(told, context, options);
}

std::unique_ptr<Rests> rests_of_pattern(const ToldRow& told, RestsContext& context,
                                        const PatternOptions& options) {
  return std::make_unique<OfPattern>(told, context, options);
}

}  // namespace wayside
