#include "base/disk.h"

#include <gtest/gtest.h>

#include "tests/temp_folder.h"

namespace wayside {
namespace {

void write_file(const std::string& path, std::string_view bytes) {
  auto file = posix_disk().open(path, Disk::Mode::kCreate);
  ASSERT_TRUE(file.ok() && (*file)->write_at(0, bytes).ok());
}

TEST(Disk, bytes_are_read_where_they_were_written) {
  TempFolder folder;
  auto file = posix_disk().open(folder / "f", Disk::Mode::kCreate);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->write_at(4, "world").ok());
  ASSERT_TRUE((*file)->write_at(0, "hell").ok());
  ASSERT_TRUE((*file)->sync_data().ok());
  EXPECT_EQ((*file)->size().value(), 9u);
  char into[16] = {};
  EXPECT_EQ((*file)->read_at(2, into, 3).value(), 3u);
  EXPECT_STREQ(into, "llw");
  EXPECT_EQ((*file)->read_at(7, into, sizeof into).value(), 2u);  // the end of the file
  EXPECT_EQ((*file)->read_at(100, into, sizeof into).value(), 0u);
  ASSERT_TRUE((*file)->truncate(4).ok());
  EXPECT_EQ(read_file(posix_disk(), folder / "f").value(), "hell");
}

TEST(Disk, creating_a_file_that_is_there_keeps_what_it_holds) {
  TempFolder folder;
  write_file(folder / "f", "kept");
  ASSERT_TRUE(posix_disk().open(folder / "f", Disk::Mode::kCreate).ok());
  EXPECT_EQ(read_file(posix_disk(), folder / "f").value(), "kept");
}

TEST(Disk, an_error_names_operation_file_and_cause) {
  TempFolder folder;
  const auto missing = posix_disk().open(folder / "none", Disk::Mode::kReadWrite);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kIo);
  EXPECT_EQ(missing.error().message, "open " + (folder / "none") + ": No such file or directory");
  EXPECT_EQ(posix_disk().remove(folder / "none").error().message,
            "remove " + (folder / "none") + ": No such file or directory");
  EXPECT_FALSE(posix_disk().rename(folder / "none", folder / "f").ok());
  EXPECT_FALSE(posix_disk().sync_dir(folder / "none").ok());
  write_file(folder / "f", "");
  EXPECT_FALSE(posix_disk().make_dirs(folder / "f/inner").ok());
  EXPECT_FALSE(posix_disk().list(folder / "f").ok());
  auto read_only = posix_disk().open(folder / "f", Disk::Mode::kRead);
  ASSERT_TRUE(read_only.ok());
  EXPECT_FALSE((*read_only)->write_at(0, "x").ok());
}

TEST(Disk, a_full_device_is_told_from_other_failures) {
  auto full = posix_disk().open("/dev/full", Disk::Mode::kReadWrite);
  ASSERT_TRUE(full.ok());
  EXPECT_EQ((*full)->write_at(0, "x").error().code, ErrorCode::kFull);
}

TEST(Disk, a_list_is_sorted_and_a_missing_folder_is_an_empty_one) {
  TempFolder folder;
  EXPECT_TRUE(posix_disk().list(folder / "none").value().empty());
  ASSERT_TRUE(posix_disk().make_dirs(folder / "a/b").ok());
  ASSERT_TRUE(posix_disk().make_dirs(folder / "a/b").ok());
  for (const char* name : {"10", "02", "1"}) {
    write_file(folder / "a" + "/" + name, "");
  }
  EXPECT_EQ(posix_disk().list(folder / "a").value(),
            (std::vector<std::string>{"02", "1", "10", "b"}));
}

}  // namespace
}  // namespace wayside
