#include "base/sql_session.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;

// Numbers from 0 on, with their squares. It makes use of lower bounds, and keeps which it was
// given.
class Numbers : public SqlTable {
 public:
  explicit Numbers(int64_t count) : count_(count) {}
  const std::vector<SqlColumn>& columns() const override { return columns_; }
  std::vector<size_t> key() const override { return {0}; }
  double share_with(size_t column, SqlBound::Compare) const override {
    return column == 0 ? 0.1 : 1;
  }
  Result<std::unique_ptr<SqlScan>> scan(const std::vector<SqlBound>& bounds,
                                        const std::function<bool()>&) override {
    if (failing) return Error{ErrorCode::kIo, "the medium does not give it back"};
    int64_t from = 0;
    for (const SqlBound& b : bounds) {
      asked.push_back({b.compare, b.value});
      const bool is_lower =
          b.compare != SqlBound::Compare::kLess && b.compare != SqlBound::Compare::kAtMost;
      if (const auto* n = std::get_if<int64_t>(&b.value); n && is_lower) from = std::max(from, *n);
    }
    return std::unique_ptr<SqlScan>(new Scan(from, count_));
  }

  std::vector<std::pair<SqlBound::Compare, SqlValue>> asked;
  bool failing = false;

 private:
  struct Scan : SqlScan {
    Scan(int64_t begin, int64_t count) : at(begin - 1), end(count) {}
    Result<bool> next() override { return ++at < end; }
    void column(size_t column, SqlCell& cell) const override {
      column == 0 ? cell.set(at) : column == 1 ? cell.set(double(at) * double(at)) : void();
    }
    int64_t at, end;
  };
  const std::vector<SqlColumn> columns_{{"number", "INT"}, {"square", "REAL"}, {"name", "TEXT"}};
  int64_t count_;
};

class Sql : public testing::Test {
 protected:
  static std::unique_ptr<SqlSession> open(SqlTable& table, const SqlLimits& limits = {}) {
    auto session = SqlSession::open(limits, kNowMs);
    EXPECT_TRUE(session.ok());
    const Status added = (*session)->add("numbers", table);
    EXPECT_TRUE(added.ok()) << added.error().message;
    return std::move(*session);
  }
  // Rows as texts, or the error.
  std::string ask(const std::string& sql, SqlSession& session) {
    std::string rows;
    const auto done =
        session.ask(sql, [&](const std::vector<std::string>& names, const SqlRow& row) {
          for (size_t i = 0; i < names.size(); ++i) {
            rows += (i > 0 ? "," : "");
            rows += row.type(i) == SqlRow::Type::kNull ? "null" : row.text(i);
          }
          rows += ';';
          return true;
        });
    return done.ok() ? rows : done.error().message;
  }
  std::string ask(const std::string& sql) { return ask(sql, *session_); }

  Numbers numbers_{100};
  std::unique_ptr<SqlSession> session_ = open(numbers_);
};

TEST_F(Sql, answers_over_tables_that_others_hold) {
  EXPECT_EQ(ask("SELECT number, square, name FROM numbers WHERE number IN (3, 4)"),
            "3,9.0,null;4,16.0,null;");
  EXPECT_EQ(ask("SELECT count(*), max(square) FROM numbers"), "100,9801.0;");
  EXPECT_EQ(ask("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 4) "
                "SELECT sum(square) FROM n JOIN numbers ON number = i"),
            "30.0;");
}

// SQLite scans the table more than once for these, and must know a row that it has met.
TEST_F(Sql, a_row_is_known_again_in_another_scan) {
  EXPECT_EQ(ask("SELECT number FROM numbers WHERE number = 3 OR number >= 98"), "3;98;99;");
  EXPECT_EQ(ask("SELECT count(*) FROM numbers WHERE number = 3 OR number >= 3"), "97;");
  const std::string few = "WITH few(n) AS (VALUES(97), (98), (200)) ";
  EXPECT_EQ(ask(few + "SELECT n, number FROM few RIGHT JOIN numbers ON number = n "
                      "WHERE number >= 96 ORDER BY number"),
            "null,96;97,97;98,98;null,99;");
  EXPECT_EQ(ask(few + "SELECT n, number FROM numbers FULL JOIN few ON number = n "
                      "WHERE number >= 98 OR number IS NULL ORDER BY n, number"),
            "null,99;98,98;200,null;");
}

TEST_F(Sql, tells_the_table_the_bounds_that_it_makes_use_of) {
  using Compare = SqlBound::Compare;
  EXPECT_EQ(ask("SELECT number FROM numbers WHERE number >= 98 AND square > 9700"), "99;");
  ASSERT_EQ(numbers_.asked.size(), 1u);
  EXPECT_EQ(numbers_.asked[0], std::pair(Compare::kAtLeast, SqlValue(int64_t{98})));
  numbers_.asked.clear();
  EXPECT_EQ(ask("SELECT count(*) FROM numbers WHERE number BETWEEN 1 AND 2.5"), "2;");
  EXPECT_EQ(numbers_.asked.size(), 2u);
  numbers_.asked.clear();
  EXPECT_EQ(ask("SELECT count(*) FROM numbers WHERE number = 5 COLLATE NOCASE"), "1;");
  EXPECT_TRUE(numbers_.asked.empty());
}

TEST_F(Sql, a_blob_is_no_text_that_a_table_could_find) {
  EXPECT_EQ(ask("SELECT count(*) FROM numbers WHERE number < x'ff' AND number >= 98"), "2;");
  ASSERT_EQ(numbers_.asked.size(), 1u);
  EXPECT_EQ(numbers_.asked[0].second, SqlValue(int64_t{98}));
}

TEST_F(Sql, texts_that_are_given_apart_are_what_they_are) {
  std::vector<int64_t> found;
  const std::string nul("a\0'", 3);
  const std::vector<std::string> texts{"98", nul};
  const auto take = [&](const auto&, const SqlRow& row) {
    found.push_back(row.integer(0));
    return true;
  };
  EXPECT_TRUE(
      session_->ask("SELECT length(CAST(?2 AS BLOB)) FROM numbers WHERE number = ?1", take, texts)
          .ok());
  EXPECT_EQ(found, std::vector<int64_t>{3});
}

TEST_F(Sql, a_mistake_is_told_with_what_was_meant) {
  const std::pair<const char*, const char*> cases[] = {
      {"SELECT numbr FROM numbers", "there is no column 'numbr'; did you mean 'number'?"},
      {"SELECT n.sqare FROM numbers n", "there is no column 'n.sqare'; did you mean 'square'?"},
      {"SELECT * FROM nubmers", "there is no table 'nubmers'; did you mean 'numbers'?"},
      {"SELECT cuont(number) FROM numbers", "there is no function 'cuont'; did you mean 'count'?"},
      {"SELECT * FROM numbers WHERE name = \"numbr\"",
       "there is no column 'numbr'; did you mean 'number'?"},
      {"SELECT temperature FROM numbers",
       "there is no column 'temperature'; there are name, number, square"},
      {"SELECT FROM numbers", "SQL: near \"FROM\": syntax error"},
      {"", "there is no question; expected a SELECT"},
      {"SELECT 1; SELECT 2", "one SELECT at a time"},
      {"SELECT ms('yesterday')", "ms('yesterday'): expected a time like 2026-03-01T12:00:00Z"},
      {"SELECT ago('soon')", "ago('soon'): expected a duration like 90s, 15m, 2h or 7d"},
  };
  for (const auto& [sql, message] : cases) {
    const std::string answer = ask(sql);
    EXPECT_TRUE(answer.find(message) != std::string::npos) << sql << ": " << answer;
  }
  EXPECT_EQ(ask("SELECT 1; -- and no more"), "1;");
}

TEST_F(Sql, only_reads) {
  for (const char* sql :
       {"CREATE TABLE t(a)", "DELETE FROM numbers", "PRAGMA user_version = 3", "BEGIN",
        "ATTACH '/tmp/x.db' AS x", "DROP TABLE numbers", "VACUUM INTO '/tmp/x.db'",
        "CREATE TEMP VIEW v AS SELECT 1", "PRAGMA hard_heap_limit = 0"}) {
    EXPECT_EQ(ask(sql), "only reading is possible here, with one SELECT") << sql;
  }
}

TEST_F(Sql, times_go_to_ms_and_back) {
  EXPECT_EQ(ask("SELECT ms('2023-11-14T22:13:20Z'), rfc3339(1700000000000), ago('1h'), "
                "rfc3339(NULL), ms(NULL)"),
            "1700000000000,2023-11-14T22:13:20.000Z,1699996400000,null,null;");
}

TEST_F(Sql, a_question_without_end_is_ended) {
  session_ = open(numbers_, {std::chrono::milliseconds(30), 64 << 20});
  const std::string answer =
      ask("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n");
  EXPECT_EQ(answer,
            "the question was ended after 30ms; ask for less, by time, key or entry, or give it "
            "longer with --timeout");
  EXPECT_EQ(ask("SELECT 1"), "1;") << "the next one has time of its own";
}

TEST_F(Sql, a_question_that_needs_too_much_memory_is_ended) {
  Numbers many(10'000'000);
  const auto session = open(many, {std::chrono::minutes(1), 4 << 20});
  const std::string answer =
      ask("SELECT number, hex(zeroblob(100)) FROM numbers ORDER BY -number", *session);
  EXPECT_EQ(answer,
            "the question needs more than 4MiB of memory; ask for less, by time, key or entry, or "
            "give it more with --memory");
}

TEST_F(Sql, what_a_table_cannot_give_is_told_as_it_was_said) {
  numbers_.failing = true;
  EXPECT_EQ(ask("SELECT * FROM numbers"), "the medium does not give it back");
  numbers_.failing = false;
  EXPECT_EQ(ask("SELECT min(number) FROM numbers"), "0;");
}

}  // namespace
}  // namespace wayside
