#include "firmware-gw/lookup_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/sqlite.h"
#include "tests/faulty_disk.h"
#include "tests/stage.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class Files : public testing::Test {
 protected:
  LookupOptions csv(const std::string& text) {
    LookupOptions options;
    options.name = "equipped";
    options.from = "climate";
    options.match = options.column = "door";
    options.columns = {{"zone", "text"}, {"limit_c", "number"}};
    options.file = folder_.path() + "/doors.csv";
    write(text);
    return options;
  }
  void write(const std::string& text) {
    std::ofstream(folder_.path() + "/new", std::ios::binary) << text;
    std::filesystem::rename(folder_.path() + "/new", folder_.path() + "/doors.csv");
  }
  LookupOptions database(const std::string& sql) {
    LookupOptions options = csv("");
    options.file = folder_.path() + "/doors.db";
    options.table = "doors";
    auto db = Database::open(options.file, Database::Mode::kReadWrite);
    EXPECT_TRUE((*db)->exec(sql.c_str()).ok());
    return options;
  }
  std::string error_of(const LookupOptions& options) {
    const auto contents = read_lookup(options);
    if (contents.ok()) return "";
    return contents.error().message.substr(folder_.path().size() + 1);
  }
  TempFolder folder_;
};

TEST_F(Files, a_csv_gives_the_columns_that_are_wanted) {
  const auto c =
      read_lookup(csv("limit_c,x,door,zone\n8,?,open,dock\n,?,shut,\"road, or rail\"\n"));
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(c->keys, (std::vector<std::string>{"open", "shut"}));
  EXPECT_EQ(c->cells[0], (std::vector<Value>{std::string("dock"), std::string("road, or rail")}));
  EXPECT_EQ(c->cells[1], (std::vector<Value>{8.0, {}})) << "an empty cell is no number";
}

TEST_F(Files, a_database_gives_the_same) {
  const auto c = read_lookup(database(
      "CREATE TABLE doors (door, zone, limit_c);"
      "INSERT INTO doors VALUES ('open', 'dock', 8), ('shut', NULL, NULL), (NULL, 'x', 1)"));
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(c->keys, (std::vector<std::string>{"open", "shut"}));
  EXPECT_EQ(c->cells[0], (std::vector<Value>{std::string("dock"), {}}));
  EXPECT_EQ(c->cells[1], (std::vector<Value>{8.0, {}}));
}

TEST_F(Files, with_since_a_text_may_stand_in_several_rows_each_from_its_time_on) {
  LookupOptions options =
      csv("door,zone,limit_c,from\nopen,dock,8,2026-03-01T12:00:00Z\nopen,road,9,\n"
          "shut,yard,1,2026-03-01T13:00:00+01:00\n");
  options.since = "from";
  const auto c = read_lookup(options);
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(c->keys, (std::vector<std::string>{"open", "open", "shut"}));
  EXPECT_EQ(c->since, (std::vector<int64_t>{1'772'366'400'000, kTimeMin, 1'772'366'400'000}));
  EXPECT_EQ(c->cells[1], (std::vector<Value>{8.0, 9.0, 1.0}));
  options = database(
      "CREATE TABLE doors (door, zone, limit_c, \"from\");"
      "INSERT INTO doors VALUES ('open', 'dock', 8, '2026-03-01T12:00:00Z'),"
      "('open', 'road', 9, NULL)");
  options.since = "from";
  const auto d = read_lookup(options);
  ASSERT_TRUE(d.ok()) << d.error().message;
  EXPECT_EQ(d->since, (std::vector<int64_t>{kTimeMin, 1'772'366'400'000}));
  EXPECT_EQ(d->cells[1], (std::vector<Value>{9.0, 8.0}));
}

TEST_F(Files, a_since_that_is_no_time_or_stands_twice_is_told_with_its_place) {
  const auto error = [&](const std::string& rows) {
    LookupOptions options = csv("door,zone,limit_c,from\n" + rows);
    options.since = "from";
    return error_of(options);
  };
  EXPECT_EQ(error("open,dock,8,yesterday\n"),
            "doors.csv:2: from: 'yesterday' is no time such as 2026-03-01T12:00:00Z");
  EXPECT_EQ(error("open,a,8,\nopen,b,8,\n"),
            "doors.csv:3: 'open' stands in door of another row, too, since the same time");
  LookupOptions options = csv("door,zone,limit_c\n");
  options.since = "from";
  EXPECT_EQ(error_of(options), "doors.csv:1: there is no column 'from'");
  options = database(
      "CREATE TABLE doors (door, zone, limit_c, \"from\");"
      "INSERT INTO doors VALUES ('open', 'dock', 8, 1772366400)");
  options.since = "from";
  EXPECT_EQ(error_of(options),
            "doors.db, row 1 of doors: from: '1772366400' is no time such as 2026-03-01T12:00:00Z");
}

TEST_F(Files, what_is_wrong_is_told_with_its_place) {
  const std::string head = "door,zone,limit_c\n";
  EXPECT_EQ(error_of(csv("")), "doors.csv: is empty; its first line names the columns");
  EXPECT_EQ(error_of(csv("door,zon,limit_c\n")),
            "doors.csv:1: there is no column 'zone'; did you mean 'zon'?");
  EXPECT_EQ(error_of(csv(head + "\nopen,dock,warm\n")),
            "doors.csv:3: limit_c: 'warm' is no number");
  EXPECT_EQ(error_of(csv(head + "open,dock\n")), "doors.csv:2: 2 cells where the first line has 3");
  EXPECT_EQ(error_of(csv(head + "open,a,1\nopen,b,2\n")),
            "doors.csv:3: 'open' stands in door of another row, too");
  EXPECT_EQ(error_of(csv(head + "open,\"dock,1\n")), "doors.csv:2: a quote is not closed");
  EXPECT_EQ(error_of(csv(head + "open,1,\"2\nshut,2,3\n")), "doors.csv:2: a quote is not closed");
  EXPECT_EQ(error_of(csv("door,\"zone,limit_c\n")), "doors.csv:1: a quote is not closed");
  EXPECT_EQ(error_of(csv(head + "open,1," + std::string(200, 'x') + "\n")),
            "doors.csv:2: limit_c: '" + std::string(80, 'x') + "…' is no number");
  LookupOptions small = csv(head + "open,a,1\nshut,b,2\n");
  small.max_rows = 1;
  EXPECT_EQ(error_of(small), "doors.csv:3: there are more rows than max_rows = 1");
  small.max_bytes = 10;
  EXPECT_EQ(error_of(small), "doors.csv: has more than max_bytes = 10B");
  small.file += "x";
  EXPECT_EQ(error_of(small), "doors.csvx: No such file or directory");
  EXPECT_TRUE(error_of(database("CREATE TABLE doors (door, zone)"))
                  .starts_with("doors.db: no such column: t.limit_c"));
}

TEST_F(Files, numbers_of_a_database_come_as_they_are_and_its_rows_in_order) {
  const LookupOptions options = database("CREATE TABLE doors (door, zone, limit_c)");
  {
    const auto db = Database::open(options.file, Database::Mode::kReadWrite);
    auto row = (*db)->prepare("INSERT INTO doors VALUES ('shut', 'road', ?), ('open', 7, ?)");
    row->bind(1, 1.7976931348623157e308);  // a literal may round to infinity: SQLite reads it with
                                           // long double, which ARM has not
    row->bind(2, 0.1 + 0.2);
    ASSERT_TRUE(row->run().ok());
  }
  const auto c = read_lookup(options);
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(c->keys, (std::vector<std::string>{"open", "shut"}));
  EXPECT_EQ(c->cells[0], (std::vector<Value>{std::string("7"), std::string("road")}));
  EXPECT_EQ(c->cells[1], (std::vector<Value>{0.1 + 0.2, 1.7976931348623157e308}));
}

TEST_F(Files, only_regular_files_are_read) {
  LookupOptions options = csv("");
  options.file = folder_.path() + "/pipe.csv";
  ASSERT_EQ(::mkfifo(options.file.c_str(), 0600), 0);
  EXPECT_EQ(error_of(options), "pipe.csv: is no regular file");
  options.file = folder_.path() + "/folder.csv";
  std::filesystem::create_directory(options.file);
  EXPECT_EQ(error_of(options), "folder.csv: is no regular file");
}

TEST_F(Files, what_a_medium_gives_back_in_part_only_is_not_taken_for_the_whole) {
  const LookupOptions options = csv("door,zone,limit_c\n");
  std::string text = "door,zone,limit_c\n";
  for (int row = 0; row < 10'000; ++row) text += std::to_string(row) + ",dock,18\n";
  FaultyDisk disk;
  disk.set_contents(options.file, text);
  const auto whole = read_lookup(options, disk);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(whole->keys.size(), 10'000u);
  disk.fail_calls(3, 1, FaultyDisk::Fault::kRead);  // it is opened, read once, read again
  EXPECT_FALSE(read_lookup(options, disk).ok());
}

TEST_F(Files, a_file_that_grows_while_it_is_read_has_its_limit) {
  LookupOptions options = csv("door,zone,limit_c\n");
  options.max_bytes = 100;
  FaultyDisk disk;
  disk.set_contents(options.file, "door,zone,limit_c\n" + std::string(1'000, 'x'));
  const auto contents = read_lookup(options, disk);
  ASSERT_FALSE(contents.ok());
  EXPECT_TRUE(contents.error().message.ends_with("has more than max_bytes = 100B"));
}

TEST_F(Files, what_could_not_be_read_is_tried_again_though_the_file_has_not_changed) {
  const std::vector<LookupOptions> lookups = {
      database("CREATE TABLE doors (door, zone, limit_c); INSERT INTO doors VALUES ('a', 'b', 1)")};
  PipelineOptions options;
  options.sources = {climate()};
  options.lookups = lookups;
  Stage stage(options);
  LookupFiles files(lookups);
  auto writer = Database::open(lookups[0].file, Database::Mode::kReadWrite);
  ASSERT_TRUE((*writer)->exec("BEGIN EXCLUSIVE").ok());
  auto note = files.next(stage.pipeline(), 0);
  ASSERT_TRUE(note && note->kind == Note::Kind::kLookupFailed);
  EXPECT_NE(note->text.find("locked"), std::string::npos) << note->text;
  ASSERT_TRUE((*writer)->exec("COMMIT").ok());
  note = files.next(stage.pipeline(), 60'000);
  EXPECT_TRUE(note && note->kind == Note::Kind::kLookup);
}

TEST_F(Files, a_file_is_read_again_when_it_has_changed_and_told_when_it_says_something_else) {
  const std::vector<LookupOptions> lookups = {csv("door,zone,limit_c\nopen,dock,8\n")};
  PipelineOptions options;
  options.sources = {climate()};
  options.lookups = lookups;
  Stage stage(options);
  LookupFiles files(lookups);
  EXPECT_LE(files.next_ms(), 0);
  auto note = files.next(stage.pipeline(), 0);
  ASSERT_TRUE(note && note->kind == Note::Kind::kLookup);
  stage.pipeline().set_lookup_contents("equipped", note->text);
  EXPECT_FALSE(files.next(stage.pipeline(), 0)) << "not due";
  EXPECT_EQ(files.next_ms(), 60'000);
  EXPECT_FALSE(files.next(stage.pipeline(), 60'000)) << "not changed";
  write("door,zone,limit_c,more\nopen,dock,8,-\n");
  EXPECT_FALSE(files.next(stage.pipeline(), 120'000)) << "the same in other words";
  write("door,zone,limit_c\nopen,dock,hot\n");
  note = files.next(stage.pipeline(), 180'000);
  ASSERT_TRUE(note && note->kind == Note::Kind::kLookupFailed);
  EXPECT_TRUE(note->text.ends_with("'hot' is no number; what was read before stays")) << note->text;
  std::filesystem::remove(lookups[0].file);
  note = files.next(stage.pipeline(), 240'000);
  ASSERT_TRUE(note && note->kind == Note::Kind::kLookupFailed);
  EXPECT_FALSE(files.next(stage.pipeline(), 300'000)) << "it was told";
  write("door,zone,limit_c\nopen,dock,9\n");
  note = files.next(stage.pipeline(), 360'000);
  ASSERT_TRUE(note && note->kind == Note::Kind::kLookup);
  stage.pipeline().set_lookup_contents("equipped", note->text);
  const auto written = std::filesystem::last_write_time(lookups[0].file);
  std::ofstream(lookups[0].file, std::ios::binary) << "door,zone,limit_c\nopen,dock,7\n";
  std::filesystem::last_write_time(lookups[0].file, written);
  note = files.next(stage.pipeline(), 420'000);
  EXPECT_TRUE(note && note->kind == Note::Kind::kLookup) << "in place, with the time of before";
}

}  // namespace
}  // namespace wayside
