// What steps need besides events: connections, clients, settings. A step names them as parameters behind its events; the
// workflow says how they are made.
#pragma once

#include <weir/codec.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <vector>

namespace weir {

/// A parameter of a step or of another factory. Points to the shared object and keeps it alive; never null.
template <class T>
class Resource {
public:
  explicit Resource(std::shared_ptr<T> object) : object_(std::move(object)) {}
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_.get(); }
  const std::shared_ptr<T>& shared() const noexcept { return object_; }

private:
  std::shared_ptr<T> object_;
};

/// Where a configuration resource is read from.
struct ConfigOptions {
  std::string path = {};   ///< dotted, to an object inside the file; empty: the whole file
  std::string label = {};  ///< shown with the graph instead of the type's name
  std::string description = {};
};

namespace detail {

using Objects = std::vector<std::shared_ptr<void>>;

/// How one type of resource comes to be.
struct ResourceSpec {
  std::type_index type;
  std::string name;
  std::string type_name;
  std::string description = {};
  std::source_location where = {};
  bool per_use = false;
  std::vector<std::type_index> needs = {};
  std::function<std::shared_ptr<void>(const Objects& needs)> make = {};

  /// A resource read from a JSON file.
  struct Config {
    std::string file;
    ConfigOptions options;
    Expected<std::shared_ptr<void>> (*decode)(const Value& value);
    Value (*schema)();
  };
  std::optional<Config> config = {};
};

template <class P>
inline constexpr bool is_resource = false;
template <class T>
inline constexpr bool is_resource<Resource<T>> = true;

template <class P>
struct ResourceOf;
template <class T>
struct ResourceOf<Resource<T>> {
  static std::type_index type() { return typeid(T); }
  static std::string name() { return std::string(reflect::type_name<T>()); }
  static Resource<T> from(const std::shared_ptr<void>& object) { return Resource<T>(std::static_pointer_cast<T>(object)); }
};

template <class F>
struct FactorySignature : FactorySignature<decltype(&F::operator())> {};
template <class R, class... A>
struct FactorySignature<R (*)(A...)> {
  using Result = R;
  using Arguments = std::tuple<std::remove_cvref_t<A>...>;
};
template <class R, class C, class... A>
struct FactorySignature<R (C::*)(A...)> : FactorySignature<R (*)(A...)> {};
template <class R, class C, class... A>
struct FactorySignature<R (C::*)(A...) const> : FactorySignature<R (*)(A...)> {};

template <class T, class R>
std::shared_ptr<T> share(R&& made) {
  if constexpr (std::convertible_to<R, std::shared_ptr<T>>) return std::forward<R>(made);
  else return std::make_shared<T>(std::forward<R>(made));
}

template <class T, class F, class... A>
void set_factory(ResourceSpec& spec, F factory, std::tuple<A...>*) {
  static_assert((is_resource<A> && ...), "a resource's factory takes nothing, or weir::Resource<T> for each resource it needs");
  spec.needs = {ResourceOf<A>::type()...};
  spec.make = [factory = std::move(factory)]([[maybe_unused]] const Objects& needs) -> std::shared_ptr<void> {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      auto object = share<T>(factory(ResourceOf<A>::from(needs[I])...));
      if (!object) throw std::runtime_error("the factory of resource '" + std::string(reflect::type_name<T>()) + "' made nothing");
      return object;
    }
    (std::index_sequence_for<A...>{});
  };
}

template <class T, class F>
ResourceSpec make_resource(F factory, std::source_location where) {
  using Signature = FactorySignature<F>;
  using Made = typename Signature::Result;
  static_assert(std::convertible_to<Made, std::shared_ptr<T>> || std::constructible_from<T, Made>,
                "a resource's factory returns a T, a std::unique_ptr<T> or a std::shared_ptr<T>");
  const auto name = std::string(reflect::type_name<T>());
  ResourceSpec spec{.type = typeid(T), .name = name, .type_name = name, .where = where};
  set_factory<T>(spec, std::move(factory), static_cast<typename Signature::Arguments*>(nullptr));
  return spec;
}

template <class T>
Expected<std::shared_ptr<void>> decode_config(const Value& value) {
  auto out = std::make_shared<T>();
  Issues issues;
  if (!codec::decode(value, *out, issues)) return Error{Code::invalid_argument, issues.text(reflect::type_name<T>())};
  return std::shared_ptr<void>(std::move(out));
}

template <class T>
ResourceSpec make_config(std::string file, ConfigOptions options, std::source_location where) {
  static_assert(reflect::Reflectable<T>, "a configuration resource is a plain struct, filled from a JSON object");
  const auto name = std::string(reflect::type_name<T>());
  auto description = options.description;
  return {.type = typeid(T),
          .name = name,
          .type_name = name,
          .description = std::move(description),
          .where = where,
          .config = ResourceSpec::Config{std::move(file), std::move(options), &decode_config<T>, &codec::root_schema<T>}};
}

/// The objects of one workflow; opaque here.
class ResourceCache;
std::shared_ptr<ResourceCache> make_resource_cache();

}  // namespace detail

/// Options of a resource, chained after resource().
class ResourceBuilder {
public:
  explicit ResourceBuilder(detail::ResourceSpec& spec) : spec_(&spec) {}
  /// Made anew for every invocation of a step instead of once per workflow object.
  ResourceBuilder& per_use() {
    spec_->per_use = true;
    return *this;
  }
  /// The name the graph and error texts show; by default that of its type.
  ResourceBuilder& named(std::string name) {
    spec_->name = std::move(name);
    return *this;
  }
  ResourceBuilder& description(std::string text) {
    spec_->description = std::move(text);
    return *this;
  }

private:
  detail::ResourceSpec* spec_;
};

}  // namespace weir
