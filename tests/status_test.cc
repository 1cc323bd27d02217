#include "firmware-gw/status.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

TEST(Status, it_tells_what_cleaning_changed_and_how_good_the_data_are) {
  Snapshot snapshot;
  Pipeline::SourceStatus& source = snapshot.sources.emplace_back();
  source.name = "trucks";
  source.cleaned = {{"lat", Reason::kNullIsland, 3}, {"temp_c", Reason::kStuck, 1}};
  source.quality = QualityFigures{8, 2, 3, 4, 8, 800};
  Pipeline::KeyLag& key = snapshot.keys.emplace_back();
  key = {"v1", 1'000, 500, QualityFigures{4, 0, 4, 4, 4, 80}};
  const std::string json = snapshot.to_json();
  EXPECT_NE(json.find(R"("cleaned":[{"field":"lat","reason":"null_island","readings":3},)"
                      R"({"field":"temp_c","reason":"stuck","readings":1}],)"
                      R"("quality":{"readings":8,"completeness":0.75,"validity":0.75,)"
                      R"("mean_lag_ms":100},)"),
            std::string::npos)
      << json;
  EXPECT_NE(
      json.find(R"({"key":"v1","newest_ms":1000,"watermark_ms":500,)"
                R"("quality":{"readings":4,"completeness":1,"validity":1,"mean_lag_ms":20}})"),
      std::string::npos)
      << json;
}

TEST(Status, without_a_reading_there_is_no_quality) {
  Snapshot snapshot;
  snapshot.sources.emplace_back().quality.emplace();
  EXPECT_EQ(snapshot.to_json().find("quality"), std::string::npos);
}

}  // namespace
}  // namespace wayside
