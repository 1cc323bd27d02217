#include "firmware-gw/http_answers.h"

#include <charconv>
#include <optional>

#include "base/sqlite.h"
#include "base/text.h"
#include "base/url.h"
#include "firmware-gw/events_table.h"
#include "firmware-gw/sql_output.h"
#include "firmware-gw/sql_tables.h"
#include "storage/view_table.h"

namespace wayside {
namespace {

Result<std::map<std::string, std::string>> parse_parameters(std::string_view text) {
  std::map<std::string, std::string> all;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = url_unescaped(pair.substr(0, equals), true);
    const auto value = url_unescaped(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) {
      return Error{ErrorCode::kUsage,
                   "'" + std::string(pair) + "': expected two hex digits behind each %"};
    }
    if (!all.emplace(*name, *value).second) {
      return Error{ErrorCode::kUsage, "parameter '" + *name + "' is there twice"};
    }
  }
  return all;
}

HttpAnswer answer_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUsage:
      return http_error(400, error.message);
    case ErrorCode::kUnavailable:
      return http_error(503, error.message);
    default:
      return http_error(500, error.message);
  }
}

}  // namespace

HttpAnswer http_error(unsigned status, std::string_view message) {
  HttpAnswer answer{status, "{\"error\":"};
  append_json_string(answer.body, message);
  answer.body += '}';
  return answer;
}

// Rows of an answer, as long as there is room for them.
class HttpAnswers::Rows {
 public:
  Rows(const HttpOptions& options, uint64_t max_rows) : options_(options), max_rows_(max_rows) {}

  bool take(const std::vector<std::string>& names, const SqlRow& row) {
    const std::string line = json_row(names, row);
    complete_ = rows_ < max_rows_ && body_.size() + line.size() < options_.max_answer_bytes;
    if (!complete_) return false;
    body_ += rows_++ > 0 ? "," + line : line;
    return true;
  }
  // complete: false where rows are left out.
  HttpAnswer finish(const std::vector<std::string>& missing) {
    body_ += complete_ ? "],\"complete\":true" : "],\"complete\":false";
    for (const std::string& line : missing) {
      body_ += &line == &missing.front() ? ",\"missing\":[" : ",";
      append_json_string(body_, line);
    }
    body_ += missing.empty() ? "}" : "]}";
    return {200, std::move(body_)};
  }

 private:
  const HttpOptions& options_;
  const uint64_t max_rows_;
  std::string body_ = "{\"rows\":[";
  uint64_t rows_ = 0;
  bool complete_ = true;
};

namespace {

// A SELECT of a view's rows, with the values that it is asked for.
struct ViewQuestion {
  std::string sql = "SELECT * FROM \"view\"";
  std::vector<std::string> values;
  uint64_t limit = 0;
};

// Parameters are values of the columns that name a row, and, unless a column is called so, `limit`,
// and `key` for the first of them.
Result<ViewQuestion> question_of(const ViewTable& view,
                                 std::map<std::string, std::string> parameters, uint64_t max_rows) {
  ViewQuestion question;
  question.limit = max_rows;
  const auto compare = [&](size_t column, auto given) {
    question.sql += question.values.empty() ? " WHERE " : " AND ";
    question.sql += sql_name(view.columns()[column].name) + " = ?";
    question.values.push_back(std::move(given.mapped()));
  };
  bool has_key = false;
  for (size_t i = 0; i < view.columns().size(); ++i) {
    has_key |= same_name(view.columns()[i].name, "key");
    if (i >= view.keys()) continue;
    if (auto given = parameters.extract(view.columns()[i].name)) compare(i, std::move(given));
  }
  if (!has_key) {
    if (auto given = parameters.extract("key")) compare(0, std::move(given));
  }
  if (const auto given = parameters.extract("limit")) {
    const std::string& text = given.mapped();
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), question.limit);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
      return Error{ErrorCode::kUsage, "limit: expected a number of rows"};
    }
    question.limit = std::min(question.limit, max_rows);
  }
  if (!parameters.empty()) {
    return Error{ErrorCode::kUsage, "there is no parameter '" + parameters.begin()->first +
                                        "': limit, and the columns that name a row, are"};
  }
  return question;
}

SqlLimits limits_of(const HttpOptions& options) {
  return {std::chrono::milliseconds(options.query_time_ms), options.query_memory_bytes,
          "[http] query_time", "[http] query_memory"};
}

}  // namespace

HttpAnswer HttpAnswers::answer(std::string_view method, std::string_view target) const {
  if (method != "GET" && method != "HEAD") {
    return http_error(405, "only reading is possible here: GET or HEAD");
  }
  const size_t mark = std::min(target.find('?'), target.size());
  const auto parameters = parse_parameters(target.substr(std::min(mark + 1, target.size())));
  if (!parameters.ok()) return answer_of(parameters.error());
  const auto path = url_unescaped(target.substr(0, mark), false);
  if (!path) return http_error(400, "expected two hex digits behind each % of the path");
  constexpr std::string_view kViews = "/views/";
  if (path->starts_with(kViews)) return view(path->substr(kViews.size()), *parameters);
  if (path == "/query") return query(*parameters);
  if (path != "/status" && path != "/views") {
    return http_error(404, "there are /status, /views, /views/NAME and /query?sql=SELECT…");
  }
  if (!parameters->empty()) return http_error(400, *path + " has no parameters");
  return path == "/status" ? status() : list_views();
}

HttpAnswer HttpAnswers::status() const {
  const auto snapshot = board_.latest();
  return snapshot ? HttpAnswer{200, snapshot->to_json()}
                  : http_error(503, "the gateway has only just started");
}

HttpAnswer HttpAnswers::list_views() const {
  const auto views = ViewTable::open_all(posix_disk(), config_.gateway.state_dir);
  if (!views.ok()) return answer_of(views.error());
  std::string body = "{\"views\":[";
  for (const auto& view : *views) {
    body += view == views->front() ? "{\"name\":" : ",{\"name\":";
    append_json_string(body, view->name());
    body += ",\"rows\":" + std::to_string(view->rows()) +
            ",\"evicted\":" + std::to_string(view->evicted()) + ",\"by\":[";
    for (size_t i = 0; i < view->columns().size(); ++i) {
      if (i == view->keys()) body += "],\"values\":[";
      body += i == 0 || i == view->keys() ? "" : ",";
      append_json_string(body, view->columns()[i].name);
    }
    body += "]}";
  }
  return {200, body + "]}"};
}

HttpAnswer HttpAnswers::view(const std::string& name, const Parameters& parameters) const {
  const HttpOptions& options = config_.http;
  auto views = ViewTable::open_all(posix_disk(), config_.gateway.state_dir);
  if (!views.ok()) return answer_of(views.error());
  ViewTable* table = nullptr;
  std::vector<std::string> names;
  for (const auto& view : *views) {
    names.push_back(view->name());
    if (view->name() == name) table = view.get();
  }
  if (!table) {
    const auto near = nearest(name, names);
    return http_error(
        404, "there is no view '" + name + "'" + (near ? "; did you mean '" + *near + "'?" : ""));
  }
  const auto question = question_of(*table, parameters, options.max_rows);
  if (!question.ok()) return answer_of(question.error());
  const auto session = open_sql_session(limits_of(options));
  if (!session.ok()) return answer_of(session.error());
  if (Status added = (*session)->add("view", *table); !added.ok()) return answer_of(added.error());
  Rows rows(options, question->limit);
  const auto asked = (*session)->ask(
      question->sql,
      [&](const auto& columns, const SqlRow& row) { return rows.take(columns, row); },
      question->values);
  return asked.ok() ? rows.finish({}) : answer_of(asked.error());
}

HttpAnswer HttpAnswers::query(const Parameters& parameters) const {
  const auto sql = parameters.find("sql");
  if (parameters.size() != 1 || sql == parameters.end()) {
    return http_error(400, "expected one parameter, sql");
  }
  const auto snapshot = board_.latest();
  const uint64_t last_entry = snapshot ? snapshot->journal_entry : 0;
  const auto tables = SqlTables::open(config_.gateway.state_dir, sources_, last_entry,
                                      std::make_unique<EventsElsewhere>());
  if (!tables.ok()) return answer_of(tables.error());
  const auto session = (*tables)->open_session(limits_of(config_.http));
  if (!session.ok()) return answer_of(session.error());
  Rows rows(config_.http, config_.http.max_rows);
  const auto asked = (*session)->ask(
      sql->second, [&](const auto& columns, const SqlRow& row) { return rows.take(columns, row); });
  return asked.ok() ? rows.finish((*tables)->missing()) : answer_of(asked.error());
}

}  // namespace wayside
