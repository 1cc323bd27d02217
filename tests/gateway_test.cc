#include "firmware-gw/gateway.h"

#include <gtest/gtest.h>

#include "tests/config_text.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

TEST(Gateway, a_connection_that_cannot_start_ends_it_with_an_error) {
  const TempFolder folder;
  auto config =
      parse_good(with("\"truck-17\"", "\"truck-17\"\nstate_dir = \"" + folder.path() + "\""));
  ASSERT_TRUE(config);
  config->mqtt.front().client_id = "\xff";  // not UTF-8: Paho refuses it
  const Status ended = run_gateway(*config);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code, ErrorCode::kConfig);
  EXPECT_NE(ended.error().message.find("mqtt local: "), std::string::npos) << ended.error().message;
}

}  // namespace
}  // namespace wayside
