#include "tests/window_model_sql.h"

#include <numeric>
#include <set>
#include <tuple>

namespace wayside {
namespace {

struct Condition {
  const char* sql;
  bool (*holds)(const Reading&);
};
const Condition kConditions[] = {
    {"door = 'open'", [](const Reading& r) { return r.door == "open"; }},
    {"temp_c > 22", [](const Reading& r) { return r.temp_c > 22; }},
    {"door = 'shut' OR temp_c < 40",
     [](const Reading& r) { return r.door == "shut" || r.temp_c < 40; }},
};

// Readings that count, and of those with a temperature, a door or both what they have.
struct ModelInput {
  using Timed = std::pair<int64_t, double>;
  using Both = std::tuple<double, int64_t, std::string>;
  size_t rows = 0;
  std::vector<Timed> values;
  std::vector<std::pair<int64_t, std::string>> doors;
  std::vector<Both> both;

  std::vector<double> numbers() const {
    std::vector<double> all;
    for (const Timed& v : values) all.push_back(v.second);
    return all;
  }
  double sum() const {
    const std::vector<double> all = numbers();
    return std::accumulate(all.begin(), all.end(), 0.0);
  }
};

struct Aggregation {
  const char* sql;
  double (*of)(const ModelInput& in);
  bool is_count = false;  // else NULL where there is no value
};
const Aggregation kAggregations[] = {
    {"count()", [](const ModelInput& in) { return double(in.rows); }, true},
    {"count(temp_c)", [](const ModelInput& in) { return double(in.values.size()); }, true},
    {"sum(temp_c)", [](const ModelInput& in) { return in.sum(); }},
    {"avg(temp_c)", [](const ModelInput& in) { return in.sum() / double(in.values.size()); }},
    {"min(temp_c)", [](const ModelInput& in) { return std::ranges::min(in.numbers()); }},
    {"max(temp_c)", [](const ModelInput& in) { return std::ranges::max(in.numbers()); }},
    // Expressions that others use, too: as what they aggregate, or as a condition.
    {"count(temp_c * 2)", [](const ModelInput& in) { return double(in.values.size()); }, true},
    {"avg(temp_c * 2)",
     [](const ModelInput& in) { return 2 * in.sum() / double(in.values.size()); }},
    {"count(temp_c > 22)", [](const ModelInput& in) { return double(in.values.size()); }, true},
    {"sum(temp_c > 22)",
     [](const ModelInput& in) {
       return double(std::ranges::count_if(in.numbers(), [](double v) { return v > 22; }));
     }},
    // Of readings of the same time the least value is the first and the largest one the last.
    {"first(temp_c)", [](const ModelInput& in) { return std::ranges::min(in.values).second; }},
    {"last(temp_c)", [](const ModelInput& in) { return std::ranges::max(in.values).second; }},
    {"delta(temp_c)",
     [](const ModelInput& in) {
       return std::ranges::max(in.values).second - std::ranges::min(in.values).second;
     }},
    {"count_distinct(temp_c)",
     [](const ModelInput& in) {
       const std::vector<double> all = in.numbers();
       return double(std::set<double>(all.begin(), all.end()).size());
     },
     true},
};

struct TextAggregation {
  const char* sql;
  std::string (*of)(const ModelInput& in);
  bool of_both = false;  // else of the doors
};
const TextAggregation kTextAggregations[] = {
    {"first(door)", [](const ModelInput& in) { return std::ranges::min(in.doors).second; }},
    {"last(door)", [](const ModelInput& in) { return std::ranges::max(in.doors).second; }},
    // Of readings of the same temperature the earliest one.
    {"arg_min(door, temp_c)",
     [](const ModelInput& in) { return std::get<std::string>(std::ranges::min(in.both)); }, true},
    {"arg_max(door, temp_c)",
     [](const ModelInput& in) {
       const auto warmer = [](const ModelInput::Both& a, const ModelInput::Both& b) {
         if (std::get<0>(a) != std::get<0>(b)) return std::get<0>(a) > std::get<0>(b);
         return a < b;
       };
       return std::get<std::string>(std::ranges::min(in.both, warmer));
     },
     true},
};

ModelInput select(const std::vector<Reading>& readings, const std::string& filter) {
  ModelInput in;
  for (const Reading& r : readings) {
    if (!filter.empty() && !model_condition(filter, r)) continue;
    ++in.rows;
    if (!is_null(r.temp_c)) in.values.push_back({r.time_ms, r.temp_c});
    if (!r.door.empty()) in.doors.push_back({r.time_ms, r.door});
    if (!is_null(r.temp_c) && !r.door.empty()) in.both.push_back({r.temp_c, r.time_ms, r.door});
  }
  return in;
}

template <class Items>
std::vector<std::string> texts_of(const Items& items) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(item.sql);
  return texts;
}

}  // namespace

std::vector<std::string> model_conditions() { return texts_of(kConditions); }
std::vector<std::string> model_aggregates() {
  std::vector<std::string> all = texts_of(kAggregations);
  for (const std::string& sql : texts_of(kTextAggregations)) all.push_back(sql);
  return all;
}

bool model_condition(const std::string& sql, const Reading& reading) {
  for (const Condition& c : kConditions) {
    if (sql == c.sql) return c.holds(reading);
  }
  ADD_FAILURE() << "the model does not know " << sql;
  return false;
}

Value model_aggregate(const std::string& sql, const std::vector<Reading>& readings) {
  const std::string head = " FILTER (WHERE ";
  const size_t at = sql.find(head);
  std::string filter;
  if (at != std::string::npos) {
    filter = sql.substr(at + head.size());
    filter.pop_back();
  }
  const ModelInput in = select(readings, filter);
  for (const Aggregation& a : kAggregations) {
    if (sql.substr(0, at) != a.sql) continue;
    return in.values.empty() && !a.is_count ? Value() : Value(a.of(in));
  }
  for (const TextAggregation& a : kTextAggregations) {
    if (sql.substr(0, at) != a.sql) continue;
    return (a.of_both ? in.both.empty() : in.doors.empty()) ? Value() : Value(a.of(in));
  }
  ADD_FAILURE() << "the model does not know " << sql;
  return {};
}

bool model_having(const std::string& sql, const std::vector<NamedValue>& fields) {
  if (sql.empty()) return true;
  const std::string sign = " >= ";
  const size_t at = sql.find(sign);
  for (const NamedValue& f : fields) {
    if (at != std::string::npos && f.name == sql.substr(0, at)) {
      return std::get<double>(f.value) >= std::stod(sql.substr(at + sign.size()));
    }
  }
  ADD_FAILURE() << "the model does not know " << sql;
  return true;
}

}  // namespace wayside
