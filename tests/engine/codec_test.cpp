// Values, JSON text, reflection, coercion and schemas (contract, chapters 2 and appendix B).
#include <doctest/doctest.h>

#include <weir/envelope.hpp>

using namespace weir;

namespace shop {
enum class Color { red, green };
struct Line {
  std::string article;
  int amount = 1;
};
struct Order {
  using kind = StartEvent;
  std::string leaf;
  int grams;
  std::optional<std::string> note;
  std::vector<Line> lines;
  std::map<std::string, double> prices;
  Color color = Color::green;
  bool gift = false;

  static constexpr std::string_view description = "An order.";
  static void describe(Fields<Order>& fields) {
    fields[&Order::leaf].describe("What to brew").length(1, 20);
    fields[&Order::grams].at_least(1).at_most(1000);
    fields[&Order::gift].defaulted();
  }
};
struct Green {
  using kind = Line;
  std::string article;
  int amount = 1;
  bool organic = true;
};
struct Renamed {
  static constexpr std::string_view name = "OldName";
  int value;
};
class Account {
public:
  Account() = default;
  int number = 0;
  std::string owner;

private:
  [[maybe_unused]] int secret_ = 1;
};
struct Wide {
  int a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16;
  int b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16;
};
}  // namespace shop
WEIR_DESCRIBE(shop::Account, number, owner);

struct Homeless {
  int n;
};

static Value parsed(std::string_view text) { return *parse_json(text); }

TEST_CASE("JSON text survives a round trip with order, floats and unicode kept") {
  for (const char* text : {R"({"b":1,"a":[1.5,null,true,-7,"ž😀"],"c":{}})", "3.0", "1e+16", "0.0001", "1e-05", "-0.0", R"("\"\\\n\u0001")",
                           "9223372036854775807", "[]", "123456789.125"})
    CHECK(to_json(parsed(text)) == text);
  CHECK(to_json(Value(std::numeric_limits<double>::infinity())) == "null");
}

TEST_CASE("bytes that are not UTF-8 become U+FFFD and line separators can be escaped") {
  CHECK(to_json(Value("a\xFF"
                      "b\xC0\x80")) ==
        "\"a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD\xEF\xBF\xBD\"");
  std::string out;
  JsonWriter(out, JsonWriter::Escape::line_breaks).string("\xC2\x85\xE2\x80\xA8\xE2\x80\xA9\xC5\xBE");
  CHECK(out == "\"\\u0085\\u2028\\u2029\xC5\xBE\"");
}

TEST_CASE("malformed JSON is refused in the words of the protocol") {
  const auto error = [](std::string_view text) { return parse_json(text).error().message; };
  CHECK(error("") == "Expecting value: line 1 column 1 (char 0)");
  CHECK(error("{") == "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
  CHECK(error(R"({"start_event":})") == "Expecting value: line 1 column 16 (char 15)");
  CHECK(error(R"({"a":1}{"b":2})") == "Extra data: line 1 column 8 (char 7)");
  CHECK(error("{\xFF\xFE}") == "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte");
  CHECK(error("[1,\n x]") == "Expecting value: line 2 column 2 (char 5)");
  CHECK(parse_json(std::string(256, '[') + std::string(256, ']')).ok());
  CHECK(error(std::string(100000, '[')) == "nested deeper than 256 levels");
  CHECK(parse_json("\xEF\xBB\xBF{}").ok());
}

TEST_CASE("an event type knows its names, kind and ancestors") {
  const auto& order = event_type<shop::Order>();
  CHECK(order.name == "Order");
  CHECK(order.qualified_name == "shop.Order");
  CHECK(order.class_text == "<class 'shop.Order'>");
  CHECK(order.kind == Kind::start);
  CHECK(order.is_a(event_type<StartEvent>()));
  CHECK(event_type<shop::Green>().is_a(event_type<shop::Line>()));
  CHECK(event_type<shop::Green>().kind == Kind::event);
  CHECK(event_type<shop::Renamed>().name == "OldName");
  CHECK(event_type<StopEvent>().qualified_name == "workflows.events.StopEvent");
  CHECK(event_type<Homeless>().qualified_name == "app.Homeless");
}

TEST_CASE("a schema has the protocol's keys in the protocol's order") {
  CHECK(
      to_json(event_type<shop::Order>().schema()) ==
      R"({"$defs":{"Line":{"properties":{"article":{"title":"Article","type":"string"},"amount":{"default":1,"title":"Amount","type":"integer"}},)"
      R"("required":["article"],"title":"Line","type":"object"},"Color":{"enum":["red","green"],"title":"Color","type":"string"}},)"
      R"("description":"An order.","properties":{"leaf":{"description":"What to brew","maxLength":20,"minLength":1,"title":"Leaf","type":"string"},)"
      R"("grams":{"maximum":1000,"minimum":1,"title":"Grams","type":"integer"},"note":{"anyOf":[{"type":"string"},{"type":"null"}],"default":null,"title":"Note"},)"
      R"("lines":{"items":{"$ref":"#/$defs/Line"},"title":"Lines","type":"array"},"prices":{"additionalProperties":{"type":"number"},"title":"Prices","type":"object"},)"
      R"("color":{"$ref":"#/$defs/Color","default":"green"},"gift":{"default":false,"title":"Gift","type":"boolean"}},)"
      R"("required":["leaf","grams","lines","prices"],"title":"Order","type":"object"})");
  CHECK(to_json(event_type<StartEvent>().schema()) ==
        R"({"description":"Starts a run. Its keys are the run's input.","properties":{},"title":"StartEvent","type":"object"})");
  CHECK(to_json(event_type<shop::Account>().schema()).find(R"("owner":{"title":"Owner")") != std::string::npos);
  CHECK(reflect::member_count<shop::Wide> == 32);
}

TEST_CASE("an event survives decoding and encoding, unknown keys included") {
  const auto event = decode_event(
      event_type<shop::Order>(),
      parsed(
          R"({"leaf":"oolong","grams":"6","lines":[{"article":"cup"}],"prices":{"x":1},"color":"red","gift":"yes","extra":1,"_data":{"more":2}})"));
  REQUIRE(event.ok());
  const auto& order = *event->as<shop::Order>();
  CHECK(order.grams == 6);
  CHECK(order.lines.at(0).amount == 1);
  CHECK(order.color == shop::Color::red);
  CHECK(order.gift);
  CHECK(
      envelope_json(*event) ==
      R"({"value":{"leaf":"oolong","grams":6,"note":null,"lines":[{"article":"cup","amount":1}],"prices":{"x":1.0},"color":"red","gift":true,)"
      R"("_data":{"more":2,"extra":1}},"qualified_name":"shop.Order","type":"Order","types":["StartEvent"]})");
}

TEST_CASE("wrong values are named with place, kind and value") {
  const auto error = [](std::string_view text) { return decode_event(event_type<shop::Order>(), parsed(text)).error().message; };
  CHECK(error(R"({"grams":0})") ==
        "4 validation errors for Order\nleaf\n  Field required [type=missing, input_value={'grams': 0}, input_type=dict]\n"
        "grams\n  Input should be greater than or equal to 1 [type=greater_than_equal, input_value=0, input_type=int]\n"
        "lines\n  Field required [type=missing, input_value={'grams': 0}, input_type=dict]\n"
        "prices\n  Field required [type=missing, input_value={'grams': 0}, input_type=dict]");
  CHECK(
      error(R"({"leaf":5,"grams":1.5,"lines":[{"amount":1}],"prices":[],"color":"blue","gift":"maybe"})") ==
      "6 validation errors for Order\nleaf\n  Input should be a valid string [type=string_type, input_value=5, input_type=int]\n"
      "grams\n  Input should be a valid integer, got a number with a fractional part [type=int_from_float, input_value=1.5, input_type=float]\n"
      "lines.0.article\n  Field required [type=missing, input_value={'amount': 1}, input_type=dict]\n"
      "prices\n  Input should be a valid dictionary [type=dict_type, input_value=[], input_type=list]\n"
      "color\n  Input should be 'red' or 'green' [type=enum, input_value='blue', input_type=str]\n"
      "gift\n  Input should be a valid boolean, unable to interpret input [type=bool_parsing, input_value='maybe', input_type=str]");
  CHECK(
      error("5") ==
      "1 validation error for Order\n  Input should be a valid dictionary or instance of Order [type=model_type, input_value=5, input_type=int]");
  const auto small = from_value<std::int8_t>(Value(300));
  CHECK(small.error().message.find("less than or equal to 127") != std::string::npos);
}

TEST_CASE("the write forms of an event are all read") {
  EventRegistry registry;
  registry.add(event_type<shop::Line>());
  registry.add(event_type<StopEvent>());
  const auto read = [&](std::string_view text) {
    auto event = parse_event(parsed(text), registry, &event_type<shop::Line>());
    return event ? envelope_json(*event) : event.error().message;
  };
  const std::string cup = R"({"value":{"article":"cup","amount":1},"qualified_name":"shop.Line","type":"Line","types":null})";
  CHECK(read(R"({"article":"cup"})") == cup);
  CHECK(read(R"("{\"article\":\"cup\"}")") == cup);
  CHECK(read(R"({"type":"Line","value":{"article":"cup"},"qualified_name":null})") == cup);
  CHECK(read(R"({"qualified_name":"shop.Line","value":{"article":"cup"},"__is_pydantic":true})") == cup);
  CHECK(read(R"({"type":"Line","qualified_name":"no.such","data":{"article":"cup"}})") == cup);
  CHECK(read(R"({"type":"StopEvent","value":{"result":3.0}})") ==
        R"({"value":{"result":3.0},"qualified_name":"workflows.events.StopEvent","type":"StopEvent","types":null})");
  CHECK(read("[1]") == "Failed to deserialize event. Must be a json object, or stringified json object");
  CHECK(read(R"({"type":"Nope","value":{}})") == "Invalid event type: Nope. Expected one of Line, StopEvent");
  CHECK(read(R"({"value":{"article":"cup"}})") == "Invalid client data. Must have a type or a qualified name, got {event}");
  CHECK(read(R"({"qualified_name":"json.Decoder","value":{}})") ==
        "Invalid client data. Qualified name json.Decoder does not correspond to an Event subclass");
  CHECK(read(R"({"type":"Line","qualified_name":"x"})")
            .starts_with("Failed to deserialize event: 1 validation error for EventEnvelope\nvalue\n  Field required"));
}

TEST_CASE("an event seen as its ancestor has the ancestor's fields") {
  const EventBox green(shop::Green{"sencha", 3, true});
  const auto line = green.upcast(event_type<shop::Line>());
  REQUIRE(line.as<shop::Line>());
  CHECK(line.as<shop::Line>()->article == "sencha");
  CHECK(line.as<shop::Line>()->amount == 3);
  CHECK(green.field("organic") == Value(true));
  CHECK(green.field("nothing").is_null());
}

TEST_CASE("times are read and written in the protocol's form") {
  const Time time = from_value<Time>(Value("2026-03-01T08:00:00.120045+01:00")).value();
  CHECK(codec::time_text(time) == "2026-03-01T07:00:00.120045Z");
  CHECK(from_value<Time>(Value(1772352000)).value() == Time(std::chrono::seconds(1772352000)));
  CHECK_FALSE(from_value<Time>(Value("yesterday")).ok());
}

TEST_CASE("events of one name described twice are the same type") {
  const EventType again = codec::describe_event<shop::Order>();  // as a second library of the program would have it
  CHECK(&again != &event_type<shop::Order>());
  CHECK(again.same_as(event_type<shop::Order>()));
  CHECK(again.is_a(event_type<StartEvent>()));
}

TEST_CASE("a stop event's free keys are read and not shown") {
  EventRegistry registry;
  registry.add(event_type<StopEvent>());
  const auto event = parse_event(parsed(R"({"type":"StopEvent","value":{"result":1,"extra":2}})"), registry);
  REQUIRE(event.ok());
  CHECK(envelope_json(*event, false) == R"({"value":{"result":1},"qualified_name":null,"type":"StopEvent","types":null})");
}
