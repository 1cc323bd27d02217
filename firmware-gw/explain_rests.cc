#include "firmware-gw/explain_rests.h"

#include <algorithm>

#include "firmware-gw/explain_kinds.h"

namespace wayside {
namespace {

template <class Options>
const Options* find_named(const std::vector<Options>& all, const std::string& name) {
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const Options& o) { return o.name == name; });
  return at == all.end() ? nullptr : &*at;
}

}  // namespace

// At the very point where it was said the end has made it be said.
void Rests::end(const JournalPoint& at) {
  if (at < told_.at) clear();
  if (at == told_.at) said_at_end();
}

void Rests::clear() {
  rows_.clear();
  total_ = 0;
}

void Rests::keep(Kept row) {
  rows_.push_back(std::move(row));
  if (total_ < last_) ++total_;
  if (rows_.size() > std::min<uint64_t>(limit_, last_)) rows_.pop_front();
}

std::shared_ptr<RowExpressions> expressions_of(const ToldRow& told, RestsContext& context,
                                               std::vector<std::string> texts) {
  auto& made = context.expressions[told.block];
  if (!made) made = std::make_shared<RowExpressions>(std::move(texts));
  return made;
}

std::optional<int64_t> time_of(const Value* value) {
  const double* number = value ? std::get_if<double>(value) : nullptr;
  return number ? std::optional(static_cast<int64_t>(*number)) : std::nullopt;
}

std::unique_ptr<Rests> make_rests(const ToldRow& told, RestsContext& context) {
  // The gateway itself says these, whatever blocks there are.
  if (told.type == "incident" || told.type == "anchor") return nullptr;
  const Config& c = context.config;
  const std::string& name = told.block;
  if (told.type == "late") return rests_of_row(told, context, {.fields = false});
  // Blocks that stand before another one, "w/climate".
  const std::string owner = name.substr(0, name.find('/'));
  if (owner != name && find_named(c.windows, owner)) {
    return rests_of_row(told, context, {.time = false});
  }
  if (owner != name || find_named(c.orders, name)) return rests_of_order(told, context);
  if (const auto* o = find_named(c.windows, name)) return rests_of_window(told, context, *o);
  if (const auto* o = find_named(c.states, name)) return rests_of_state(told, context, *o);
  if (const auto* o = find_named(c.joins, name)) return rests_of_join(told, context, *o);
  if (const auto* o = find_named(c.patterns, name)) return rests_of_pattern(told, context, *o);
  if (const auto* o = find_named(c.rules, name)) return rests_of_rule(told, context, *o);
  if (const auto* o = find_named(c.detectors, name)) return rests_of_detector(told, context, *o);
  if (const auto* o = find_named(c.maps, name)) return rests_of_map(told, context, *o);
  if (find_named(c.routes, name) || find_named(c.lookups, name)) {
    return rests_of_row(told, context, {});
  }
  return nullptr;
}

std::string maker_of(const Config& config, const std::string& stream) {
  const std::string route = stream.substr(0, stream.find('.'));
  return route != stream && find_named(config.routes, route) ? route : stream;
}

}  // namespace wayside
