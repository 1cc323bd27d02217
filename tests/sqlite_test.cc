#include "base/sqlite.h"

#include <gtest/gtest.h>

#include "tests/temp_folder.h"

namespace wayside {
namespace {

using Mode = Database::Mode;

std::unique_ptr<Database> open_in(const TempFolder& folder, Mode mode = Mode::kReadWrite) {
  auto opened = Database::open(folder / "db", mode);
  EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
  return opened.ok() ? std::move(*opened) : nullptr;
}

TEST(Sqlite, what_is_bound_is_what_comes_back) {
  TempFolder folder;
  auto db = open_in(folder);
  ASSERT_TRUE(db->exec("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, bytes BLOB)").ok());
  const std::string bytes("a\0b\xff", 4);
  {
    auto insert = db->prepare("INSERT INTO t VALUES(?, ?, ?)");
    ASSERT_TRUE(insert.ok());
    insert->bind(1, int64_t{-9'000'000'000'000});
    insert->bind(2, std::string_view("caf\u00e9"));
    insert->bind_blob(3, bytes);
    ASSERT_TRUE(insert->run().ok());
    // run() resets: the statement is ready again, and former values are gone.
    insert->bind(1, int64_t{7});
    insert->bind(2, std::string_view());
    insert->bind_blob(3, std::string_view());
    ASSERT_TRUE(insert->run().ok());
    EXPECT_EQ(db->changes(), 1);
  }
  auto select =
      db->prepare("SELECT id, name, bytes, typeof(name), typeof(bytes) FROM t ORDER BY id");
  ASSERT_TRUE(select.ok());
  ASSERT_TRUE(select->step().value());
  EXPECT_EQ(select->column_int(0), -9'000'000'000'000);
  EXPECT_EQ(select->column_text(1), "caf\u00e9");
  EXPECT_EQ(select->column_text(2), bytes);
  ASSERT_TRUE(select->step().value());
  EXPECT_EQ(select->column_text(1), "");
  EXPECT_EQ(select->column_text(3), "text");  // empty, but not NULL
  EXPECT_EQ(select->column_text(4), "blob");
  EXPECT_FALSE(select->step().value());
}

TEST(Sqlite, numbers_are_bound_as_real_numbers) {
  TempFolder folder;
  auto db = open_in(folder);
  auto divide = db->prepare("SELECT typeof(?1), CAST(?1 / 2 AS TEXT)");
  ASSERT_TRUE(divide.ok());
  divide->bind(1, 5.0);
  ASSERT_TRUE(divide->step().value());
  EXPECT_EQ(divide->column_text(0), "real");
  EXPECT_EQ(divide->column_text(1), "2.5");
}

TEST(Sqlite, errors_say_what_failed_and_where) {
  TempFolder folder;
  auto db = open_in(folder);
  const auto wrong = db->prepare("SELECT x FROM nowhere");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message, "no such table: nowhere in: SELECT x FROM nowhere");
  const Status failed = db->exec("CREATE TABEL t(x)");
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find(folder / "db"), std::string::npos);
  EXPECT_NE(failed.error().message.find("CREATE TABEL t(x)"), std::string::npos);
}

TEST(Sqlite, a_database_that_is_full_says_so) {
  TempFolder folder;
  auto db = std::move(*Database::open(folder / "full.db", Database::Mode::kReadWrite));
  ASSERT_TRUE(db->exec("CREATE TABLE t(x); PRAGMA max_page_count = 2").ok());
  const Status put = db->exec("INSERT INTO t VALUES(zeroblob(100000))");
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code, ErrorCode::kFull);
}

TEST(Sqlite, a_statement_works_again_after_it_failed) {
  TempFolder folder;
  auto db = open_in(folder);
  ASSERT_TRUE(db->exec("CREATE TABLE t(x INTEGER PRIMARY KEY)").ok());
  auto insert = db->prepare("INSERT INTO t VALUES(?)");
  ASSERT_TRUE(insert.ok());
  const std::pair<int64_t, bool> rows[] = {{1, true}, {1, false}, {2, true}};
  for (const auto& [x, good] : rows) {
    insert->bind(1, x);
    EXPECT_EQ(insert->run().ok(), good) << x;
  }
  auto count = db->prepare("SELECT count(*) FROM t");
  ASSERT_TRUE(count->step().value());
  EXPECT_EQ(count->column_int(0), 2);
}

TEST(Sqlite, a_read_only_connection_cannot_write_and_makes_no_file) {
  TempFolder folder;
  EXPECT_FALSE(Database::open(folder / "db", Mode::kReadOnly).ok());
  ASSERT_TRUE(open_in(folder)->exec("CREATE TABLE t(x)").ok());
  auto reader = open_in(folder, Mode::kReadOnly);
  EXPECT_FALSE(reader->exec("INSERT INTO t VALUES(1)").ok());
  EXPECT_TRUE(reader->exec("SELECT * FROM t").ok());
}

}  // namespace
}  // namespace wayside
