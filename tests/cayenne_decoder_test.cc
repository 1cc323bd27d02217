#include "sensors/cayenne_decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/text.h"
#include "tests/decode.h"
#include "tests/fields.h"

namespace wayside {
namespace {

SourceOptions device(const std::vector<std::string>& paths) {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kCayenne;
  for (const std::string& path : paths) o.fields.push_back(field("f" + path, path));
  return o;
}

std::string decode(const std::vector<std::string>& paths, std::string_view hex) {
  return Decoding(device(paths))(from_hex(hex).value());
}

TEST(CayenneDecoder, values_are_found_by_their_channels) {
  EXPECT_EQ(decode({"3", "5", "4"}, "036701100567FF85"), "@none 27.2 -12.3 -");
}

TEST(CayenneDecoder, each_type_has_its_width_and_its_unit) {
  struct Row {
    const char *type, *hex, *value;
  };
  const Row rows[] = {
      {"digital_in", "00FF", "255"},
      {"digital_out", "0101", "1"},
      {"analog_in", "02FF85", "-1.23"},
      {"analog_out", "03007B", "1.23"},
      {"generic", "64FFFFFFFF", "4294967295"},
      {"illuminance", "65FFFF", "65535"},
      {"presence", "6601", "1"},
      {"temperature", "67FFFF", "-0.1"},
      {"humidity", "6881", "64.5"},
      {"barometer", "732782", "1011.4"},
      {"voltage", "7404D2", "12.34"},
      {"current", "75FFFF", "65.535"},
      {"frequency", "7600000032", "50"},
      {"percentage", "7863", "99"},
      {"altitude", "79FFFE", "-2"},
      {"load", "7AFFFFFF", "-0.001"},
      {"concentration", "7D0190", "400"},
      {"power", "800BB8", "3000"},
      {"distance", "8200000801", "2.049"},
      {"energy", "83000003E9", "1.001"},
      {"direction", "840167", "359"},
      {"unixtime", "8565920080", "1704067200"},
      {"switch", "8E01", "1"},
      {"accelerometer.x", "7104D2FB2E0000", "1.234"},
      {"accelerometer.y", "7104D2FB2E0000", "-1.234"},
      {"gyrometer.z", "86000000000064", "1"},
      {"gps.lat", "880757D3F2FD590003E8", "48.1235"},
      {"gps.lon", "880757D3F2FD590003E8", "-85.2647"},
      {"gps.alt", "880757D3F2FD590003E8", "10"},
      {"colour.g", "8701FF03", "255"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(decode({std::string("7.") + row.type}, std::string("07") + row.hex),
              std::string("@none ") + row.value)
        << row.type;
  }
}

TEST(CayenneDecoder, a_part_or_a_type_tells_values_of_one_channel_apart) {
  const char* all =
      "016700FF"
      "016850"
      "0171000100020003"
      "018600640000FF9C";
  EXPECT_EQ(decode({"1.temperature", "1.humidity", "1.accelerometer.z", "1.gyrometer.z"}, all),
            "@none 25.5 40 0.003 -1");
  EXPECT_EQ(decode({"1", "1.z", "2.z"}, all), "@none 40 -1 -") << "the last one counts";
  EXPECT_EQ(decode({"1", "1.lat"}, "018800271000000200FFFF"), "@none - 1");
}

TEST(CayenneDecoder, values_go_to_fields_of_their_types) {
  SourceOptions o = device({"1", "2", "3"});
  o.fields[0].type = FieldType::kBool;
  o.fields[1].type = FieldType::kText;
  o.fields[2].scale = 6.25;
  o.fields[2].shift = -25;
  Decoding d(o);
  EXPECT_EQ(d(from_hex("010001026700FF030201F4").value()), "@none 1 25.5 6.25");
  EXPECT_EQ(d(from_hex("010002").value()), "wrong_type: field 'f1' is not true or false");
}

TEST(CayenneDecoder, a_channel_may_hold_the_time) {
  SourceOptions o = device({"1"});
  o.time_path = "9.unixtime";
  o.time.unit = TimeUnit::kSeconds;
  EXPECT_EQ(Decoding(o)(from_hex("098500000010016700FF").value()), "@16000 25.5");
  EXPECT_EQ(Decoding(o)(from_hex("016700FF").value()), "@none 25.5");
  o.time_path = "9";
  EXPECT_EQ(Decoding(o)(from_hex("096700FF").value()), "@25500 -");
}

TEST(CayenneDecoder, what_cannot_be_read_to_its_end_is_refused) {
  EXPECT_EQ(decode({"1"}, ""), "bad_cayenne: the payload is empty");
  EXPECT_EQ(decode({"1"}, "01"), "bad_cayenne: byte 0: a channel without a type");
  EXPECT_EQ(decode({"1"}, "0167"), "bad_cayenne: byte 0: temperature is cut");
  EXPECT_EQ(decode({"1"}, "016700FF0288000000000000FF00"), "bad_cayenne: byte 4: gps is cut");
  EXPECT_EQ(decode({"1"}, "016700FF02F000"), "bad_cayenne: byte 4: there is no type 240");
}

TEST(CayenneDecoder, a_path_that_is_none_is_told) {
  for (const char* good : {"0", "255", "3.temperature", "3.lat", "3.gps.lat", "3.x"}) {
    EXPECT_EQ(wrong_cayenne_path(good), "") << good;
  }
  for (const char* bad : {"", "256", "-1", "t", "3.", "3.t", "3.gps", "3.gps.x", "3.temperature.x",
                          "3.gps.lat.x", ".", "3..", "3.gps.", "03x"}) {
    EXPECT_TRUE(wrong_cayenne_path(bad).starts_with("is no channel of 0 to 255")) << bad;
  }
}

TEST(CayenneDecoder, any_bytes_are_a_reading_or_refused_with_a_reason) {
  Decoding d(device({"1", "0.digital_in", "2.lat", "103"}));
  const unsigned seed = 41;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 12, '\0');
    for (char& c : bytes) c = "\0\1\2\3\x67\x68\x71\x88\xf0\xff"[random() % 10];
    const std::string result = d(bytes);
    ASSERT_TRUE(result.front() == '@' || result.starts_with("bad_cayenne: ")) << result;
  }
}

// Bytes and what a network server makes of them; WAYSIDE_DATA/data/payloads/cayenne_lpp.
TEST(CayenneDecoder, the_vectors_of_a_network_server_say_the_same) {
  const char* set = std::getenv("WAYSIDE_DATA");
  const auto file =
      std::filesystem::path(set ? set : WAYSIDE_DATA) / "data/payloads/cayenne_lpp/vectors.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no vectors";
  std::ifstream in(file);
  size_t values = 0;
  for (std::string line; std::getline(in, line);) {
    const auto between = [&](const std::string& before, char end) {
      const size_t begin = line.find(before) + before.size();
      return line.substr(begin, line.find(end, begin) - begin);
    };
    std::istringstream expected(between("\"decoded_payload\":{", '}'));
    for (std::string item; std::getline(expected, item, ',');) {
      const size_t colon = item.find("\":"), channel = item.rfind('_', colon);
      const std::string path = item.substr(channel + 1, colon - channel - 1);
      const std::string type = item.substr(1, channel - 1);
      const std::string ours = type == "barometric_pressure" ? "barometer" : type;
      const std::string row = decode({path + "." + ours}, between("\"hex\":\"", '"'));
      EXPECT_NEAR(std::atof(row.c_str() + 6), std::atof(item.c_str() + colon + 2), 1e-5) << item;
      ++values;
    }
  }
  EXPECT_GT(values, 3u);
}

}  // namespace
}  // namespace wayside
