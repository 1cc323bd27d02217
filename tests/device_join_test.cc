// What the registry makes of readings, behind the journal.
#include "sensors/device_join.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/text.h"
#include "sensors/clean.h"
#include "tests/devices.h"
#include "tests/fields.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

// A source with a ranged number and a text that takes two attributes along.
struct Joined {
  explicit Joined(std::shared_ptr<const Registry> devices, const std::string& mark = "cleaned")
      : options(make_options(std::move(devices), mark)),
        cleaner(options, schema()),
        batch(schema()) {}

  static SourceOptions make_options(std::shared_ptr<const Registry> devices,
                                    const std::string& mark) {
    SourceOptions o;
    o.fields = {ranged(field("temp_c", "t"), -60, 90), field("door", "door", FieldType::kText)};
    o.attributes = {"trailer", "customer"};
    o.mark = mark;
    o.devices = std::move(devices);
    return o;
  }
  static Schema schema() {
    return {{{"vehicle", FieldType::kText}, {"temp_c"}, {"door", FieldType::kText}}, 0};
  }

  struct In {
    std::string key;
    double temp_c = kNull;
  };
  void append(const In& row) {
    batch.times.push_back(int64_t(batch.rows()));
    batch.columns[0].texts.push_back(batch.texts.intern(row.key));
    batch.columns[1].numbers.push_back(row.temp_c);
    batch.columns[2].texts.push_back(Interner::kNone);
  }
  // "temp_c trailer customer" and what is behind that of each row, '-' for nothing.
  TextRows clean(size_t begin, size_t end) {
    BatchView view;
    const std::vector<uint32_t> keys(end - begin, 0);
    cleaner.clean(batch, begin, end, keys.data(), view);
    EXPECT_EQ(view.columns.size(), cleaned_schema(options, schema()).fields.size());
    TextRows out;
    for (size_t row = 0; row < view.rows; ++row) {
      const double number = view.columns[1].numbers[row];
      std::string line = "-";
      if (!is_null(number)) append_json_number(line = "", number);
      for (size_t c = 3; c < view.columns.size(); ++c) {
        const uint32_t id = view.columns[c].texts[row];
        line += " " + (id == Interner::kNone ? "-" : std::string(view.texts->text(id)));
      }
      out.push_back(line);
    }
    return out;
  }
  TextRows clean(const std::vector<In>& rows) {
    batch.clear_rows();
    for (const In& row : rows) append(row);
    return clean(0, rows.size());
  }

  SourceOptions options;
  Cleaner cleaner;
  ReadingBatch batch;
};

TEST(DeviceJoin, a_reading_has_the_attributes_of_its_device_and_nothing_where_it_is_not_known) {
  Joined j(registry_of({with(with(device("a"), "trailer", "T-1"), "customer", "c1"),
                        with(device("b"), "customer", "c2"), device("c")}));
  EXPECT_EQ(j.clean({{"a", 1}, {"b", 2}, {"c", 3}, {"nobody", 4}, {"a", 5}}),
            (TextRows{"1 T-1 c1", "2 - c2", "3 - -", "4 - -", "5 T-1 c1"}));
}

TEST(DeviceJoin, without_a_registry_attributes_are_nothing) {
  Joined j(nullptr);
  EXPECT_EQ(j.clean({{"a", 1}}), (TextRows{"1 - -"}));
}

TEST(DeviceJoin, attributes_stand_behind_the_fields_and_before_what_cleaning_tells) {
  Joined j(registry_of({with(device("a"), "trailer", "T-1")}), "faults");
  const Schema schema = cleaned_schema(j.options, Joined::schema());
  EXPECT_EQ(schema.fields[3], (Field{"trailer", FieldType::kText}));
  EXPECT_EQ(schema.fields[4], (Field{"customer", FieldType::kText}));
  EXPECT_EQ(schema.fields[5], (Field{"faults", FieldType::kText}));
  EXPECT_EQ(j.clean({{"a", 91}}), (TextRows{"- T-1 -  temp_c:out_of_range "}));
}

TEST(DeviceJoin, a_number_is_calibrated_before_its_range_is_looked_at_and_that_is_no_fault) {
  Joined j(registry_of({calibrated(device("a"), "temp_c", 2, -10), device("b")}), "faults");
  EXPECT_EQ(j.clean({{"a", 50}, {"a", 50.5}, {"a", -30}, {"b", 91}, {"b", 50}, {"a"}}),
            (TextRows{"90 - - -", "- - -  temp_c:out_of_range ", "- - -  temp_c:out_of_range ",
                      "- - -  temp_c:out_of_range ", "50 - - -", "- - - -"}));
  EXPECT_EQ(j.cleaner.out_of_range(), 3u);
  EXPECT_EQ(j.clean({{"a", 95}, {"a", -20}}),
            (TextRows{"- - -  temp_c:out_of_range ", "-50 - - -"}))
      << "what was in range as it came may not be, and the other way round";
}

TEST(DeviceJoin, what_came_stays_in_the_batch_as_it_was) {
  Joined j(registry_of({calibrated(device("a"), "temp_c", 2, -10)}));
  j.clean({{"a", 30}});
  EXPECT_EQ(j.batch.columns[1].numbers, std::vector<double>{30});
  ASSERT_NE(j.cleaner.calibration(0, 1), nullptr);
  EXPECT_EQ(j.cleaner.calibration(0, 1)->scale, 2);
  EXPECT_EQ(j.cleaner.calibration(0, 2), nullptr);
}

TEST(DeviceJoin, what_was_calibrated_otherwise_is_no_past_to_judge_by) {
  const auto past_of = [](std::vector<DeviceOptions> devices) {
    SourceOptions o = Joined::make_options(registry_of(std::move(devices)), "");
    o.fields[0].cleaning.max_rate = 1;
    return Cleaner(o, Joined::schema()).past_fingerprint();
  };
  const DeviceOptions a = calibrated(device("a"), "temp_c", 2, -10);
  const DeviceOptions b = calibrated(device("b"), "temp_c", 3, 0);
  EXPECT_EQ(past_of({a, b}), past_of({b, device("c"), a}));
  EXPECT_NE(past_of({a, b}), past_of({a}));
  EXPECT_NE(past_of({a}), past_of({calibrated(device("a"), "temp_c", 2, -11)}));
  EXPECT_EQ(past_of({a}), past_of({calibrated(a, "speed", 2, 0)})) << "no field of the source";
}

TEST(DeviceJoin, a_text_of_the_same_name_is_not_calibrated) {
  Joined j(registry_of({calibrated(device("a"), "door", 2, 0)}));
  EXPECT_EQ(j.clean({{"a", 30}}), (TextRows{"30 - -"}));
}

TEST(DeviceJoin, a_source_that_takes_nothing_of_the_registry_is_not_looked_at) {
  SourceOptions o = Joined::make_options(
      registry_of({with(calibrated(device("a"), "level", 2, 0), "trailer", "T-1")}), "cleaned");
  o.attributes.clear();
  EXPECT_FALSE(DeviceJoin(o, Joined::schema()).is_on());
}

// As the registry says it, reading for reading, without what is remembered of keys and batches.
std::string expected(const Registry& r, const Joined::In& in) {
  const uint32_t d = r.find(in.key);
  double number = in.temp_c;
  for (size_t i = 0; i < r.calibrated_fields().size(); ++i) {
    const Calibration* c = r.calibration(d, i);
    if (c && r.calibrated_fields()[i] == "temp_c") number = c->apply(number);
  }
  if (number < -60 || number > 90) number = kNull;
  std::string line = "-";
  if (!is_null(number)) append_json_number(line = "", number);
  for (const char* name : {"trailer", "customer"}) {
    std::string text = "-";
    for (size_t i = 0; i < r.attributes().size(); ++i) {
      if (r.attributes()[i] == name && r.attribute(d, i).data()) text = r.attribute(d, i);
    }
    line += " " + text;
  }
  return line;
}

TEST(DeviceJoin, however_batches_are_cut_and_begun_anew_each_reading_gets_what_is_its_own) {
  for (auto [seed, end] = seeds(30); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    std::vector<DeviceOptions> devices;
    for (int i = 0; i < 20; ++i) {
      if (below(4) == 0) continue;
      DeviceOptions d = device("d" + std::to_string(i));
      if (below(2)) d = calibrated(d, "temp_c", 0.25 + double(below(8)) / 4, double(below(40)));
      if (below(3)) d = with(d, "trailer", "T-" + std::to_string(below(5)));
      if (below(3)) d = with(d, "customer", "c" + std::to_string(below(3)));
      devices.push_back(d);
    }
    const auto registry = registry_of(devices);
    Joined j(registry);
    for (int group = 0; group < 20; ++group) {
      std::vector<Joined::In> in(1 + below(30));
      for (auto& row : in) row = {"d" + std::to_string(below(22)), double(below(400)) - 150};
      if (below(3) == 0) j.batch.clear_texts();
      j.batch.clear_rows();
      for (const auto& row : in) j.append(row);
      for (size_t begin = 0; begin < in.size();) {
        const size_t upto = std::min<size_t>(in.size(), begin + 1 + below(10));
        const TextRows rows = j.clean(begin, upto);
        for (size_t i = begin; i < upto; ++i) {
          EXPECT_EQ(rows[i - begin], expected(*registry, in[i])) << in[i].key;
        }
        begin = upto;
      }
    }
  }
}

}  // namespace
}  // namespace wayside
