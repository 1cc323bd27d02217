#include "sensors/nmea_decoder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "base/time.h"
#include "sensors/nmea_epoch.h"
#include "tests/decode.h"
#include "tests/fields.h"

namespace wayside {
namespace {

// With the checksum that belongs to it.
std::string sentence(const std::string& body) {
  unsigned sum = 0;
  for (const char c : body) sum ^= static_cast<unsigned char>(c);
  return fmt::format("${}*{:02X}\r\n", body, sum);
}

SourceOptions receiver(const std::vector<std::string>& values) {
  SourceOptions o;
  o.name = "s";
  o.format = PayloadFormat::kNmea;
  for (const std::string& name : values) {
    o.fields.push_back(field(name, name, name == "valid" ? FieldType::kBool : FieldType::kNumber));
  }
  return o;
}

int64_t ms(const char* text) { return parse_rfc3339_ms(text).value(); }
std::string at(const char* text) { return "@" + std::to_string(ms(text)); }

const std::string kGga = sentence("GPGGA,101112.25,4807.5,N,01131.0,E,4,09,0.9,545.4,M,46.9,M,,");
const std::string kRmc = sentence("GPRMC,101112.25,A,4807.5,N,01131.0,E,36.0,84.5,010326,,,R");
const char* const kTime = "2026-03-01T10:11:12.250Z";

TEST(NmeaDecoder, the_sentences_of_one_moment_are_one_reading) {
  Decoding d(receiver({"lat", "lon", "altitude", "speed", "course", "fix", "satellites", "hdop",
                       "valid", "heading", "fix_mode", "pdop", "vdop", "in_view"}));
  d.at("t", ms("2026-03-01T10:11:13Z"));
  EXPECT_EQ(d(kGga + sentence("GNGSA,A,3,01,02,03,,,,,,,,,,1.5,0.8,1.25") +
              sentence("GPGSV,1,1,02,01,40,083,46,02,17,308,41") +
              sentence("GLGSV,1,1,01,65,40,083,46") + kRmc + sentence("GPHDT,271.5,T")),
            at(kTime) + " 48.125 11.516666666666667 545.4 18.52 84.5 4 9 0.8 1 271.5 3 1.5 1.25 3");
}

TEST(NmeaDecoder, another_time_of_day_is_another_reading) {
  Decoding d(receiver({"lat", "speed"}));
  EXPECT_EQ(d(kGga + kRmc + sentence("GPVTG,84.5,T,,M,36.0,N,66.7,K,A") +
              sentence("GPGGA,101113.25,4807.5,S,01131.0,E,1,09,0.9,545.4,M,46.9,M,,") +
              sentence("GPRMC,101113.25,A,4807.5,S,01131.0,E,72.0,84.5,010326,,,A")),
            at(kTime) + " 48.125 18.52\n" + at("2026-03-01T10:11:13.250Z") + " -48.125 37.04");
}

TEST(NmeaDecoder, any_talker_and_each_sentence_alone_will_do) {
  const std::pair<std::string, std::string> rows[] = {
      {"GNRMC,101112.25,A,4807.5,N,01131.0,W,36.0,84.5,010326,,",
       at(kTime) + " 48.125 -11.516666666666667 - 18.52 84.5 1 - 1"},
      {"GAGLL,4807.5,N,01131.0,E,101112.25,A,D",
       at(kTime) + " 48.125 11.516666666666667 - - - 2 - 1"},
      {"GNGNS,101112.25,4807.5,N,01131.0,E,NFA,12,0.8,545.4,46.9,,",
       at(kTime) + " 48.125 11.516666666666667 545.4 - - 5 12 1"},
      {"GPVTG,84.5,T,,M,,N,36.0,K,A", at("2026-03-01T10:11:30Z") + " - - - 10 84.5 - - -"},
      {"GPZDA,101112.25,01,03,2026,00,00", at(kTime) + " - - - - - - - -"},
  };
  Decoding d(receiver({"lat", "lon", "altitude", "speed", "course", "fix", "satellites", "valid"}));
  d.at("t", ms("2026-03-01T10:11:30Z"));
  for (const auto& [body, reading] : rows) EXPECT_EQ(d(sentence(body)), reading) << body;
}

TEST(NmeaDecoder, a_void_fix_has_no_position_and_is_no_error) {
  Decoding d(receiver({"lat", "altitude", "speed", "fix", "valid", "satellites"}));
  d.at("t", ms("2026-03-01T12:00:00Z"));
  EXPECT_EQ(d(sentence("GPRMC,101112,V,4807.5,N,01131.0,E,36.0,84.5,010326,,,N") +
              sentence("GPGGA,101112,4807.5,N,01131.0,E,0,03,,545.4,M,,M,,")),
            at("2026-03-01T10:11:12Z") + " - - - 0 0 3");
  EXPECT_EQ(d(sentence("GPGLL,,,,,101112,V,N")), at("2026-03-01T10:11:12Z") + " - - - 0 0 -");
  EXPECT_EQ(d(sentence("GNGNS,101112,,,,,NN,00,,,,,")),
            at("2026-03-01T10:11:12Z") + " - - - 0 0 0");
  EXPECT_EQ(d(sentence("GPRMC,101112,V,,,,,,,000000,,,N")),
            at("2026-03-01T10:11:12Z") + " - - - 0 0 -")
      << "its clock need not be set";
}

// A receiver that was just switched on.
TEST(NmeaDecoder, a_reading_without_any_time_has_the_arrivals) {
  Decoding d(receiver({"fix", "satellites"}));
  d.at("t", 5'000);
  const std::string moment = sentence("GPRMC,,V,,,,,,,,,,N") + sentence("GPVTG,,,,,,,,,N") +
                             sentence("GPGGA,,,,,,0,00,99.99,,,,,,") + sentence("GPGSV,1,1,00") +
                             sentence("GPGLL,,,,,,V,N") + sentence("GPZDA,,,,,00,00");
  EXPECT_EQ(d(moment), "@5000 0 0");
  EXPECT_EQ(d(moment + moment), "@5000 0 0\n@5000 0 0");
}

TEST(NmeaDecoder, without_a_date_the_nearest_day_counts) {
  Decoding d(receiver({"fix"}));
  const auto gga = [](const std::string& time) {
    return sentence("GPGGA," + time + ",4807.5,N,01131.0,E,1,09,0.9,545.4,M,46.9,M,,");
  };
  d.at("t", ms("2026-03-01T00:00:05Z"));
  EXPECT_EQ(d(gga("235959.9") + gga("000000")),
            at("2026-02-28T23:59:59.900Z") + " 1\n" + at("2026-03-01T00:00:00Z") + " 1");
  d.at("t", ms("2026-03-01T23:59:55Z"));
  EXPECT_EQ(d(gga("000001")), at("2026-03-02T00:00:01Z") + " 1") << "our clock may be behind";
}

// What waited in a dead zone for days.
TEST(NmeaDecoder, a_date_counts_for_the_whole_payload) {
  Decoding d(receiver({"fix"}));
  d.at("t", ms("2026-03-09T12:00:00Z"));
  const auto gga = [](const std::string& time) {
    return sentence("GPGGA," + time + ",4807.5,N,01131.0,E,1,09,0.9,545.4,M,46.9,M,,");
  };
  EXPECT_EQ(d(gga("235958") + sentence("GPRMC,235959,A,,,,,,,010326,,,A") + gga("000000")),
            at("2026-03-01T23:59:58Z") + " 1\n" + at("2026-03-01T23:59:59Z") + " 1\n" +
                at("2026-03-02T00:00:00Z") + " 1");
  EXPECT_EQ(d(sentence("GPZDA,235959,31,12,1999,00,00") + gga("235959") + gga("000000")),
            at("1999-12-31T23:59:59Z") + " 1\n" + at("2000-01-01T00:00:00Z") + " 1");
  EXPECT_EQ(d(sentence("GPRMC,120000,A,,,,,,,060180,,,A")), at("1980-01-06T12:00:00Z") + " 1");
}

// Switched on cold, it counts from the beginning of GPS.
TEST(NmeaDecoder, the_date_of_a_void_moment_does_not_count) {
  Decoding d(receiver({"fix"}));
  d.at("t", ms("2026-03-09T01:00:00Z"));
  const std::string cold = sentence("GPRMC,000036.800,V,,,,,0.00,0.00,060180,,,N");
  const std::string moment = at("2026-03-09T00:00:36.800Z") + " 0";
  EXPECT_EQ(d(cold), moment);
  EXPECT_EQ(d(sentence("GPZDA,000036.800,06,01,1980,00,00") + cold), moment);
  const auto gga = [](const std::string& time) {
    return sentence("GPGGA," + time + ",4807.5,N,01131.0,E,1,09,0.9,545.4,M,46.9,M,,");
  };
  EXPECT_EQ(d(gga("000035") + cold + gga("000038")),
            at("2026-03-09T00:00:35Z") + " 1\n" + moment + "\n" + at("2026-03-09T00:00:38Z") + " 1")
      << "nor for the others of its payload";
  EXPECT_EQ(d(cold + sentence("GPRMC,000038,A,,,,,,,010326,,,A")),
            at("2026-03-01T00:00:36.800Z") + " 0\n" + at("2026-03-01T00:00:38Z") + " 1");
  EXPECT_EQ(d(sentence("GPRMC,130000,A,,,,,,,010326,,,A") + cold + gga("003000")),
            at("2026-03-01T13:00:00Z") + " 1\n" + at("2026-03-02T00:00:36.800Z") + " 0\n" +
                at("2026-03-02T00:30:00Z") + " 1");
}

TEST(NmeaDecoder, a_damaged_sentence_is_refused_alone) {
  Decoding d(receiver({"lat", "speed"}));
  std::string damaged = kGga;
  damaged[20] = '9';
  EXPECT_EQ(d(damaged + kRmc), "bad_nmea: sentence 1: its checksum is 65, it says otherwise\n" +
                                   at(kTime) + " 48.125 18.52");
  EXPECT_EQ(d(kRmc + kGga.substr(0, 40)),
            "bad_nmea: sentence 2: it has no checksum\n" + at(kTime) + " 48.125 18.52");
  EXPECT_EQ(d("hello\n"), "bad_nmea: sentence 1: it does not begin with '$'");
  for (const char* none : {"$*", "$*4", "*00", "$*0", "$*G0"}) {
    EXPECT_TRUE(d(none).starts_with("bad_nmea: sentence 1: ")) << none;
  }
}

TEST(NmeaDecoder, a_wrong_value_refuses_its_sentence_and_is_named) {
  const std::pair<const char*, const char*> rows[] = {
      {"GPGGA,1011,,,,,1,,,,M,,M,,", "'1011' is no time hhmmss"},
      {"GPGGA,251112,,,,,1,,,,M,,M,,", "'251112' is no time hhmmss"},
      {"GPGGA,101161,,,,,1,,,,M,,M,,", "'101161' is no time hhmmss"},
      {"GPGGA,-01112,,,,,1,,,,M,,M,,", "'-01112' is no time hhmmss"},
      {"GPGGA,101112,9000.1,N,01131,E,1,,,,M,,M,,", "'9000.1' is no latitude"},
      {"GPGGA,101112,4860,N,01131,E,1,,,,M,,M,,", "'4860' is no latitude"},
      {"GPGGA,101112,4807.5,X,01131,E,1,,,,M,,M,,", "'4807.5' is no latitude"},
      {"GPGGA,101112,4807.5,N,18001,E,1,,,,M,,M,,", "'18001' is no longitude"},
      {"GPGGA,101112,4807.5,N,,E,1,,,,M,,M,,", "'' is no longitude"},
      {"GPGGA,101112,4807.5,N,01131,E,1,,,inf,M,,M,,", "'inf' is no number"},
      {"GPGGA,101112,4807.5,N,01131,E,x,,,,M,,M,,", "'x' is no number"},
      {"GPRMC,101112,Q,,,,,,,010326,,,A", "'Q' is no status A or V"},
      {"GPRMC,101112,A,,,,,,,310226,,,A", "'310226' is no date ddmmyy"},
      {"GPVTG,north,T,,M,,N,,K,A", "'north' is no number"},
      {"GPGGA,101112,,,,,1,09,1e1,,M,,M,,", "'1e1' is no number"},
      {"GPRMC,101112,A,,,,,-0.5,,010326,,,A", "'-0.5' is no speed"},
      {"GPVTG,,T,,M,-1,N,,K,A", "'-1' is no speed"},
      {"GPVTG,,T,,M,,N,-1,K,A", "'-1' is no speed"},
      {"GPGSV,1,1,many", "'many' is no number"},
  };
  Decoding d(receiver({"lat"}));
  for (const auto& [body, fault] : rows) {
    EXPECT_EQ(d(sentence(body)), std::string("bad_nmea: sentence 1: ") + fault) << body;
  }
}

TEST(NmeaDecoder, what_no_field_is_for_is_passed_over) {
  Decoding d(receiver({"lat"}));
  EXPECT_EQ(d(sentence("GPTXT,01,01,02,hello") + sentence("PGRME,15.0,M,45.0,M,25.0,M") +
              sentence("PQGSV,1,1,01,65,40,083,46") + sentence("GPGSV,1,1,01,65,40,083,46")),
            "");
  EXPECT_EQ(Decoding(receiver({"in_view"}))(sentence("PQGSV,1,1,01,65,40,083,46")), "");
  EXPECT_EQ(Decoding(receiver({"in_view"}))(sentence("GPGSV,1,1,01,65,40,083,46")), "@0 1");
}

// Two of them may come for each talker, one a frequency, and more talkers than there are systems.
TEST(NmeaDecoder, satellites_in_view_are_counted_once_for_each_talker) {
  Decoding d(receiver({"in_view"}));
  EXPECT_EQ(d(sentence("GPGSV,1,1,05,01,40,083,46,1") + sentence("GPGSV,1,1,04,01,40,083,46,8") +
              sentence("GAGSV,1,1,02,04,40,083,46,7")),
            "@0 7");
  std::string many;
  for (char c = 'A'; c <= 'Z'; ++c) many += sentence(std::string("G") + c + "GSV,1,1,01");
  EXPECT_EQ(d(many), "@0 8");
}

TEST(NmeaDecoder, a_payload_without_a_sentence_is_refused) {
  Decoding d(receiver({"lat"}));
  for (const char* none : {"", "\r\n", " \t\n\n"}) {
    EXPECT_EQ(d(none), "bad_nmea: the payload holds no sentence");
  }
}

TEST(NmeaDecoder, a_payload_of_too_many_readings_is_refused) {
  const std::string refused = "too_large: more than 10000 readings in one payload";
  Decoding d(receiver({"lat"}));
  std::string lines, moments;
  for (size_t i = 0; i < kReadingsMax; ++i) {
    lines += "x\n";
    moments += sentence(
        fmt::format("GPZDA,{:02}{:02}{:02},01,03,2026,00,00", i / 3600, i / 60 % 60, i % 60));
  }
  EXPECT_NE(d(lines), refused);
  EXPECT_TRUE(d(moments).starts_with("@"));
  EXPECT_EQ(d(lines + "x"), refused);
  EXPECT_EQ(d(moments + sentence("GPZDA,235959,01,03,2026,00,00")), refused);
}

TEST(NmeaDecoder, the_more_fields_the_fewer_readings_a_payload_may_have) {
  Decoding d(receiver(std::vector<std::string>(48, "lat")));  // 50 with the topic's levels
  std::string lines;
  for (int i = 0; i < 2'000; ++i) lines += "x\n";
  EXPECT_TRUE(d(lines).starts_with("bad_nmea"));
  EXPECT_EQ(d(lines + "x"), "too_large: more than 2000 readings in one payload");
}

TEST(NmeaDecoder, a_damaged_payload_does_no_harm) {
  const std::vector<std::string> bodies = {
      "GPGGA,101112.25,4807.5,N,01131.0,E,4,09,0.9,545.4,M,46.9,M,,",
      "GPRMC,101112.25,A,4807.5,N,01131.0,E,36.0,84.5,010326,,,R",
      "GPGLL,4807.5,N,01131.0,E,101112.25,A,D",
      "GNGNS,101112.25,4807.5,N,01131.0,E,NFA,12,0.8",
      "GPZDA,101112.25,01,03,2026,00,00",
      "GPGSV,1,1,02,01,40,083,46",
      "GPVTG,84.5,T,,M,,N,36.0,K"};
  const unsigned seed = 37;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Decoding d(receiver({"lat", "speed", "in_view", "valid"}));
  for (int i = 0; i < 20'000; ++i) {
    std::string payload;
    for (int n = 1 + random() % 3; n > 0; --n) {
      std::string body = bodies[random() % bodies.size()];
      body[6 + random() % (body.size() - 6)] = ",.0-9A*"[random() % 7];
      payload += sentence(body);
    }
    const std::string result = d(payload);
    ASSERT_TRUE(result.empty() || result.front() == '@' || result.starts_with("bad_nmea: "))
        << result;
  }
}

}  // namespace
}  // namespace wayside
