#include "pipeline/route.h"

#include "base/hash.h"

namespace wayside {

std::vector<std::string> Route::stream_names(const RouteOptions& options) {
  std::vector<std::string> names;
  for (const auto& [route, condition] : options.routes) names.push_back(options.name + '.' + route);
  if (!options.otherwise.empty()) names.push_back(options.name + '.' + options.otherwise);
  return names;
}

std::string Route::not_a_stream(const RouteOptions& options) {
  std::string names;
  for (const std::string& name : stream_names(options)) names += (names.empty() ? "" : ", ") + name;
  return "'" + options.name + "' is a route; its streams are " + names;
}

Route::Route(const RouteOptions& options, const Stream& input) : options_(options) {
  for (const std::string& name : stream_names(options)) {
    streams_.push_back(std::make_unique<Stream>(name, input.schema(), input.time()));
  }
  present_.resize(streams_.size());
}

std::unique_ptr<Route> Route::make(const RouteOptions& options, const Stream& input,
                                   ExpressionEngine& engine, BlockError& error) {
  std::unique_ptr<Route> route(new Route(options, input));
  std::vector<ColumnExpressions::Item> items;
  for (const auto& [name, condition] : options.routes)
    items.push_back({"routes." + name, condition});
  if (!route->conditions_.compile(engine, input.schema(), items, error)) return nullptr;
  return route;
}

std::vector<Stream*> Route::outputs() {
  std::vector<Stream*> all;
  for (const auto& stream : streams_) all.push_back(stream.get());
  return all;
}

// Where a reading does not go it still moves the watermark.
void Route::process(size_t, const Rows& rows, EmissionBuffer& out) {
  conditions_.evaluate(rows.view, rows.present);
  choose(rows);
  for (size_t i = 0; i < streams_.size(); ++i) {
    Rows made = rows;
    made.present = present_[i].data();
    streams_[i]->push(made, out);
  }
}

void Route::choose(const Rows& rows) {
  for (auto& present : present_) present.assign(rows.view.rows, 0);
  for (size_t row = 0; row < rows.view.rows; ++row) {
    if (!rows.is_present(row)) continue;
    bool went = false;
    for (size_t i = 0; i < options_.routes.size() && (options_.all || !went); ++i) {
      present_[i][row] = is_true(conditions_.values(i)[row]);
      went |= present_[i][row] != 0;
    }
    if (!went && !options_.otherwise.empty()) {
      present_.back()[row] = 1;
      went = true;
    }
    passed_ += went;
  }
}

BlockStatus Route::status() const { return {options_.name, "route", passed_}; }

uint64_t Route::fingerprint() const {
  std::string text = options_.all ? "all" : "first";
  for (const auto& [name, condition] : options_.routes) {
    text.append("/").append(name).append("=").append(condition);
  }
  return hash64(text + '/' + options_.otherwise + '<' + options_.from);
}

}  // namespace wayside
