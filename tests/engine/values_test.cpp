// Numbers, times, enumerations, defaults and texts: nothing is changed silently on its way in, out and back.
#include <doctest/doctest.h>

#include "conversions.hpp"

#include <weir/envelope.hpp>
#include <weir/state_store.hpp>

#include <bit>
#include <cmath>
#include <random>

using namespace weir;

namespace values {

enum class Grade { low = -7, none = 0, ok = 200, gone = 410, flag = 1 << 20 };
enum class Letter : char { a = 'a', b = 'b' };
enum class Far : std::uint64_t { far = 100'000, last = std::numeric_limits<std::uint64_t>::max() };

struct Numbers {
  using kind = StartEvent;
  std::uint64_t big = 7;
  std::int64_t small = 7;
  std::uint8_t byte = 7;
  double real = 7;
  float single = 7;
  std::optional<Time> at = {};
  std::optional<Grade> code = {};
};
struct Defaults {
  bool loud = false;
  std::string text = "";
  int count = 0;
};
struct Required {
  bool loud;
  std::string text;
  int count;
  std::vector<int> list;
};
struct Hidden {
  std::string first = "";
  std::string second = "";
  std::map<std::string, int> counts;
};
struct Enumerated {
  Grade code;
  Letter letter;
  Far far;
};
struct Reals {
  double real;
  float single;
};
struct Order {
  using kind = weir::StartEvent;
  std::string article;
  int amount = 1;
  bool gift = false;
  std::optional<std::string> note;
  std::string coupon = "";
  std::map<std::string, double> prices;

  static void describe(weir::Fields<Order>& fields) {
    fields[&Order::amount].describe("How many").at_least(1).at_most(1000);
    fields[&Order::gift].defaulted();
    fields[&Order::coupon].defaulted();
  }
};

}  // namespace values
WEIR_DESCRIBE_ENUM(values::Far, far, last);

using namespace conversions;
using namespace values;

TEST_CASE("unsigned 64-bit integers are kept exactly, with and without a type") {
  const std::string text = "18446744073709551615";
  CHECK(read<Numbers>("{\"big\":" + text + "}")->big == std::numeric_limits<std::uint64_t>::max());
  CHECK(read<Numbers>("{\"big\":\"" + text + "\"}")->big == std::numeric_limits<std::uint64_t>::max());
  CHECK(codec::encoded(Numbers{.big = std::numeric_limits<std::uint64_t>::max()}).find("\"big\":" + text) != std::string::npos);
  CHECK(to_json(*parse_json(text)) == text);
  CHECK(parse_json(text)->is_big_integer());
  CHECK(parse_json(text)->as_big_integer() == std::numeric_limits<std::uint64_t>::max());
  CHECK(*parse_json(text) == Value(std::numeric_limits<std::uint64_t>::max()));
  CHECK_FALSE(*parse_json(text) == Value(-1));
  CHECK(Value(std::uint64_t{5}).is_integer());
  CHECK(python_type_name(*parse_json(text)) == "int");
  const auto bare = decode_event(event_type<StartEvent>(), *parse_json("{\"n\":" + text + "}"));
  CHECK(to_json(bare->value()) == "{\"_data\":{\"n\":" + text + "}}");
  CHECK(bare->as<StartEvent>()->get<std::uint64_t>("n") == std::numeric_limits<std::uint64_t>::max());
  CHECK(to_json(StopEvent(std::numeric_limits<std::uint64_t>::max()).result) == text);
  CHECK(refusal<Numbers>("{\"small\":" + text + "}").find("small\n  Input should be less than or equal to 9223372036854775807") !=
        std::string::npos);
  CHECK(refusal<Numbers>("{\"big\":-1}").find("big\n  Input should be greater than or equal to 0") != std::string::npos);
  CHECK(refusal<Numbers>("{\"byte\":256}").find("byte\n  Input should be less than or equal to 255") != std::string::npos);
}

TEST_CASE("integers beyond 64 bits and numbers beyond a double are refused by name, not rounded") {
  CHECK(refusal<StartEvent>(R"({"a":{"b":[1,123456789012345678901234567890]}})") ==
        "field 'a.b.1': the integer 123456789012345678901234567890 is out of range, from -9223372036854775808 to 18446744073709551615: "
        "send it as a text");
  CHECK(refusal<StartEvent>("-9223372036854775809").starts_with("the integer -9223372036854775809 is out of range"));
  CHECK(refusal<Numbers>(R"({"real":1e400})") ==
        "field 'real': the number 1e400 is out of range, from -1.7976931348623157e+308 to 1.7976931348623157e+308");
  CHECK(refusal<StartEvent>(R"([[0],{"x":-1e999}])").starts_with("field '1.x': the number -1e999 is out of range"));
  CHECK(refusal<Numbers>(R"({"real":"1e400"})")
            .find("real\n  Input is out of range: it should be a number between -1.7976931348623157e+308") != std::string::npos);
  CHECK(refusal<Numbers>(R"({"single":1e300})")
            .find("single\n  Input is out of range: it should be a number between -3.4028234663852886e+38 and 3.4028234663852886e+38 "
                  "[type=float_out_of_range, input_value=1e+300, input_type=float]") != std::string::npos);
  CHECK(refusal<Numbers>(R"({"small":1e300})").find("small\n  Input should be less than or equal to 9223372036854775807") !=
        std::string::npos);
  CHECK(read<Numbers>(R"({"big":1.8e19})")->big == 18'000'000'000'000'000'000u);
  CHECK(read<Numbers>(R"({"real":1e-400})")->real == 0);
  CHECK(read<Numbers>(R"({"real":"1e-400"})")->real == 0);
}

TEST_CASE("what is no JSON number or no character is named") {
  CHECK(refusal<StartEvent>(R"({"x": NaN})") == "NaN is no JSON: send null, or the text \"NaN\": line 1 column 7 (char 6)");
  CHECK(refusal<StartEvent>(R"([-Infinity])").starts_with("-Infinity is no JSON"));
  CHECK(refusal<StartEvent>(R"({"x":"\ud800"})").starts_with("Half of a surrogate pair is no character: line 1 column 7 (char 6)"));
  CHECK(refusal<StartEvent>(R"({"x":"\udc00y"})").starts_with("Half of a surrogate pair is no character"));
  CHECK(refusal<StartEvent>("[\"\xC5\xBElu\xC5\xA5\",\n \"\xF0\x9F\x98\x80\" x]") == "Expecting ',' delimiter: line 2 column 6 (char 14)");
}

TEST_CASE("numbers in texts are read as pydantic's lax mode reads them") {
  for (const char* three : {"\"3.0\"", "\"0003.000\"", "\" 3\\n\"",
                            "\"\xC2\xA0"
                            "3\xE3\x80\x80\"",
                            "\"+3\"", "3.0", "\"0_3\""})
    CHECK(read<Numbers>(std::string("{\"small\":") + three + "}")->small == 3);
  CHECK(read<Numbers>(R"({"small":"1_0"})")->small == 10);
  CHECK(read<Numbers>(R"({"small":"-9223372036854775808"})")->small == std::numeric_limits<std::int64_t>::min());
  CHECK(read<Numbers>(R"({"real":"1_0.5"})")->real == 10.5);
  CHECK(read<Numbers>(R"({"real":" +2e1 "})")->real == 20);
  CHECK(std::isinf(read<Numbers>(R"({"real":"-inf"})")->real));
  for (const char* none : {"3.5", "_3", "3_", "1__0", "3.", "", " ", "1e3", "0x3", "3 3", "+-3"})
    CHECK_FALSE(read<Numbers>(std::string("{\"small\":\"") + none + "\"}").ok());
  for (const char* none : {"_1", "1_", "1._5", "", "+-1", "nan(1)", "1,5"})
    CHECK_FALSE(read<Numbers>(std::string("{\"real\":\"") + none + "\"}").ok());
}

TEST_CASE("numbers that JSON does not have are null on the wire and come back from a journal") {
  const auto nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const Reals lost{nan, -std::numeric_limits<float>::infinity()};
  CHECK(envelope_json(EventBox(lost)).starts_with(R"({"value":{"real":null,"single":null})"));
  CHECK(std::isnan(there_and_back(lost).real));
  CHECK(there_and_back(lost).single == -std::numeric_limits<float>::infinity());
  CHECK(there_and_back(Reals{infinity, 0}).real == infinity);
  CHECK(to_json(StopEvent(lost).result) == R"({"real":null,"single":null})");
}

TEST_CASE("times beyond the calendar are refused by field, and those of a program survive") {
  for (const char* wrong :
       {"1e300", "-1e300", "1e15", "\"99999999-01-01T00:00:00Z\"", "\"2026-01-01T99:99:1e18Z\"", "\"2026-01-01T24:00:00Z\"",
        "\"2026-01-01T23:60:00Z\"", "\"2026-01-01T23:59:60Z\"", "\"2026-02-30T00:00:00Z\"", "\"0000-01-01T00:00:00Z\"",
        "\"2026-01-01T00:00:00+99:00\"", "\"2026-01-01T00:00:nanZ\"", "\"2026-01-01T00:00:00Zx\"", "\"+999999-01-01T00:00:00Z\"",
        "\"-999999-01-01T00:00:00Z\"", "\"2026-01-01T-1:00:00Z\""}) {
    INFO(wrong);
    CHECK(refusal<Numbers>(std::string("{\"at\":") + wrong + "}").find("\nat\n  Input should be a valid datetime or date") !=
          std::string::npos);
  }
  const auto at = [](const char* text) { return codec::time_text(*read<Numbers>(std::string("{\"at\":\"") + text + "\"}")->at); };
  CHECK(at("2026-03-01") == "2026-03-01T00:00:00Z");
  CHECK(at("2026-03-01 08:00") == "2026-03-01T08:00:00Z");
  CHECK(at("2026-03-01T08:00:00.5-0130") == "2026-03-01T09:30:00.500000Z");
  CHECK(at("0001-01-01T00:00:00Z") == "0001-01-01T00:00:00Z");
  CHECK(codec::time_text(Time::max()) == "+294247-01-10T04:00:54.775807Z");
  for (const auto time : {Time::max(), Time::min() + std::chrono::hours(24), Time(), Time(Duration(-1))}) {
    INFO(codec::time_text(time));
    CHECK(from_value<Time>(Value(codec::time_text(time))).value() == time);
  }
}

TEST_CASE("enumerators are found wherever they are, and values without a name are numbers") {
  const Enumerated named{Grade::ok, Letter::b, Far::last};
  CHECK(codec::encoded(named) == R"({"code":"ok","letter":"b","far":"last"})");
  CHECK(codec::encoded(Grade::low) == "\"low\"");
  CHECK(codec::encoded(Grade::flag) == "\"flag\"");
  CHECK(codec::encoded(static_cast<Grade>(201)) == "201");
  CHECK(codec::encoded(static_cast<Far>(std::numeric_limits<std::uint64_t>::max() - 1)) == "18446744073709551614");
  CHECK(read<Enumerated>(R"({"code":"low","letter":"a","far":"far"})")->code == Grade::low);
  CHECK(there_and_back(Enumerated{static_cast<Grade>(-8), static_cast<Letter>('z'), static_cast<Far>(1)}).letter ==
        static_cast<Letter>('z'));
  CHECK(refusal<Enumerated>(R"({"code":"nope","letter":"a","far":"far"})")
            .find("code\n  Input should be 'low', 'none', 'ok', 'gone' or 'flag'") != std::string::npos);
  CHECK(refusal<Enumerated>(R"({"code":"ok","letter":1000,"far":"far"})").find("letter\n  Input should be less than") != std::string::npos);
  CHECK(to_json(event_type<Enumerated>().schema()).find(R"("enum":["low","none","ok","gone","flag"])") != std::string::npos);
}

TEST_CASE("a member with an empty default is optional where the compiler tells, and what to write is said where it does not") {
  const auto given = read<Defaults>("{}");
#if !defined(__clang__)
  REQUIRE(given.ok());
  CHECK(given->text.empty());
  CHECK(to_json(event_type<Defaults>().schema()).find("required") == std::string::npos);
#else
  CHECK(given.error().message.find("say fields[&Defaults::loud].defaulted() in its describe()") != std::string::npos);
#endif
  CHECK(refusal<Required>("{}").starts_with("4 validation errors for Required\nloud\n  Field required"));
  CHECK(read<Order>(R"({"article":"cup","prices":{}})").ok());
  CHECK(to_json(event_type<Order>().schema()).find(R"("required":["article","prices"])") != std::string::npos);
  const auto hidden = refusal<Hidden>("{}");
  CHECK(hidden.find("first\n  Field required [type=missing, input_value={}, input_type=dict]\n  Should it have a default? An empty one is "
                    "not seen here: make the member a std::optional, or say fields[&Hidden::first].defaulted() in its describe()") !=
        std::string::npos);
  CHECK(hidden.find("second\n") == std::string::npos);
}

TEST_CASE("an envelope whose names are no texts is refused") {
  EventRegistry registry;
  registry.add(event_type<Numbers>());
  const auto read = [&](const char* text) { return parse_event(*parse_json(text), registry); };
  CHECK(read(R"({"type":5,"qualified_name":"values.Numbers","value":{}})").error().message ==
        "Failed to deserialize event: 1 validation error for EventEnvelope\ntype\n  Input should be a valid string [type=string_type, "
        "input_value=5, input_type=int]");
  CHECK_FALSE(read(R"({"type":"Numbers","qualified_name":["values.Numbers"],"value":{}})").ok());
  CHECK(read(R"({"type":"Numbers","qualified_name":null,"value":{}})").ok());
}

TEST_CASE("bytes that are replaced are counted") {
  const auto before = JsonWriter::replaced_bytes();
  CHECK(to_json("\xFF ok \xC0\x80") == "\"\xEF\xBF\xBD ok \xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(JsonWriter::replaced_bytes() - before == 3);
  CHECK(to_json("\xC5\xBElu\xC5\xA5 \xEF\xBF\xBD") == "\"\xC5\xBElu\xC5\xA5 \xEF\xBF\xBD\"");
  CHECK(JsonWriter::replaced_bytes() - before == 3);
}

namespace {

/// Random values of every kind, those at the edges of ranges often.
class Source {
public:
  explicit Source(std::uint64_t seed) : random_(seed) {}

  std::uint64_t bits() {
    const auto all = random_();
    switch (random_() % 4) {
      case 0: return all;
      case 1: return all >> (random_() % 64);
      case 2: return std::uint64_t{1} << (random_() % 64);
      default: return (std::uint64_t{1} << (random_() % 64)) - 1;
    }
  }
  double real() {
    if (random_() % 4 == 0) return static_cast<double>(static_cast<std::int64_t>(bits())) / 8;
    return std::bit_cast<double>(bits());
  }
  std::string text() {
    static const std::string pieces[] = {"a", "\"", "\\", "\n", std::string("\0", 1), "\xC5\xBE", "\xE2\x80\xA8", "\xF0\x9F\x98\x80", "0"};
    std::string out;
    for (auto left = random_() % 6; left > 0; --left) out += pieces[random_() % std::size(pieces)];
    return out;
  }
  Time time() {
    const auto out = Time(Duration(static_cast<std::int64_t>(bits())));
    return std::max(random_() % 2 == 0 ? out : Time(Duration(static_cast<std::int64_t>(random_() % 4'000'000'000'000'000))),
                    Time::min() + std::chrono::hours(24));
  }
  Value value(int depth = 0) {
    switch (random_() % (depth > 3 ? 6 : 8)) {
      case 0: return {};
      case 1: return random_() % 2 == 0;
      case 2: return static_cast<std::int64_t>(bits());
      case 3: return bits();
      case 4: {
        const auto number = real();
        return std::isfinite(number) ? number : 0.5;
      }
      case 5: return text();
      case 6: {
        Value::Array out;
        for (auto left = random_() % 4; left > 0; --left) out.push_back(value(depth + 1));
        return out;
      }
      default: {
        Object out;
        for (auto left = random_() % 4; left > 0; --left) out.set(text(), value(depth + 1));
        return out;
      }
    }
  }

private:
  std::mt19937_64 random_;
};

bool same(double a, double b) { return std::isnan(a) ? std::isnan(b) : std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

}  // namespace

TEST_CASE("random values come back from their texts as they were") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    INFO("seed " << seed);
    Source source(seed);
    const auto value = source.value();
    const auto text = to_json(value);
    const auto back = parse_json(text);
    REQUIRE(back.ok());
    REQUIRE(*back == value);
    REQUIRE(to_json(*back) == text);
  }
}

TEST_CASE("random events come back from their texts as they were") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    INFO("seed " << seed);
    Source source(seed);
    Numbers numbers;
    numbers.big = source.bits();
    numbers.small = static_cast<std::int64_t>(source.bits());
    numbers.byte = static_cast<std::uint8_t>(source.bits());
    numbers.real = source.real();
    numbers.single = static_cast<float>(std::bit_cast<float>(static_cast<std::uint32_t>(source.bits())));
    numbers.at = source.time();
    numbers.code = static_cast<Grade>(static_cast<int>(source.bits()));
    const auto back = there_and_back(numbers);
    REQUIRE(back.big == numbers.big);
    REQUIRE(back.small == numbers.small);
    REQUIRE(back.byte == numbers.byte);
    REQUIRE(same(back.real, numbers.real));
    REQUIRE(same(back.single, numbers.single));
    REQUIRE(back.at == numbers.at);
    REQUIRE(back.code == numbers.code);
  }
}

TEST_CASE("random integers in texts are read exactly, or refused when they do not fit") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    INFO("seed " << seed);
    Source source(seed);
    const auto number = source.bits();
    const auto text = std::to_string(number);
    REQUIRE(from_value<std::uint64_t>(Value(text)).value() == number);
    const auto small = from_value<std::int64_t>(Value(text));
    REQUIRE(small.ok() == (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
    const auto byte = from_value<std::int8_t>(Value("-" + text));
    REQUIRE(byte.ok() == (number <= 128));
    if (byte) REQUIRE(*byte == -static_cast<int>(number));
    REQUIRE_FALSE(parse_json(text + "00000000000000000000").ok());
  }
}

TEST_CASE("sums of times and spans stop at the last instant") {
  constexpr auto day = std::chrono::hours(24);
  CHECK(later(Time(day), Duration::max()) == Time::max());
  CHECK(later(Time::max(), Duration(1)) == Time::max());
  CHECK(later(Time::max(), Duration(-1)) == Time::max() - Duration(1));
  CHECK(later(Time(day), std::chrono::hours::max()) == Time::max());
  CHECK(later(Time(day), day) == Time(2 * day));
  CHECK(later(Time(-day), -Duration::max()) == Time(-Duration::max()));
  CHECK(later(Time::min(), Duration::max()) == Time(Duration(-1)));
  const std::chrono::steady_clock::time_point steady(day);
  CHECK(later(steady, Duration::max()) == std::chrono::steady_clock::time_point::max());
  CHECK(later(steady, std::chrono::seconds::max()) == std::chrono::steady_clock::time_point::max());
  CHECK(later(steady, -day) == std::chrono::steady_clock::time_point());
  CHECK(between(Time::min(), Time::max()) == Duration::max());
  CHECK(between(Time::max(), Time::min()) == -Duration::max());
  CHECK(between(Time(day), Time(2 * day)) == Duration(day));
  CHECK(between(Time(day), Time::max()) == Time::max() - Time(day));
  CHECK(together(Duration::max(), Duration(day)) == Duration::max());
  CHECK(clamped<std::chrono::milliseconds>(std::chrono::seconds::max()) == std::chrono::milliseconds::max());
}
