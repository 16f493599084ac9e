// completion, man: what the options themselves can tell, for the shell and for `man weir`.
#include "verbs.hpp"

#include "http/options/settings.hpp"

#include <weir/version.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace weir::cli {
namespace {

std::vector<CLI::App*> verbs_of(CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// "--server", "-s": the words that name an option; none for an argument.
std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> out;
  for (const auto& name : option.get_lnames()) out.push_back("--" + name);
  for (const auto& name : option.get_snames()) out.push_back("-" + name);
  return out;
}

std::string all_flags(CLI::App& verb) {
  std::string out;
  for (const auto* option : verb.get_options())
    for (const auto& flag : flags_of(*option)) out += (out.empty() ? "" : " ") + flag;
  return out;
}

std::string names_of(const std::vector<CLI::App*>& verbs) {
  std::string out;
  for (const auto* verb : verbs) out += (out.empty() ? "" : " ") + verb->get_name();
  return out;
}

/// What stands in an argument's place, asked of the server where it knows.
std::string words_for(const CLI::App& verb) {
  for (const auto* option : verb.get_options()) {
    if (option->get_name() == "WORKFLOW") return "$(weir workflows 2>/dev/null)";
    if (option->get_name() == "ID") return "$(weir list --plain 2>/dev/null | cut -f1)";
  }
  return "";
}

bool takes_files(const CLI::App& verb) { return verb.get_name() == "serve" || verb.get_name() == "db"; }

void print_bash(CLI::App& app) {
  std::cout << "# weir(1) completion for bash; made by `weir completion bash`\n_weir() {\n"
               "  local word=\"${COMP_WORDS[COMP_CWORD]}\" verb=\"${COMP_WORDS[1]}\" flags words\n"
               "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '"
            << names_of(verbs_of(app)) << " --help --version' -- \"$word\"))\n    return\n  fi\n  case \"$verb\" in\n";
  for (auto* verb : verbs_of(app)) {
    const auto inner = names_of(verbs_of(*verb));
    const auto words = inner.empty() ? words_for(*verb) : inner;
    std::cout << "    " << verb->get_name() << ") flags='" << all_flags(*verb) << "'";
    if (!words.empty()) std::cout << "; [ \"$COMP_CWORD\" -eq 2 ] && words=\"" << words << "\"";
    std::cout << " ;;\n";
  }
  std::cout << "  esac\n  if [[ \"$word\" == -* ]]; then\n    COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
               "  elif [ -n \"$words\" ]; then\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
               "  else\n    COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\ncomplete -o filenames -F _weir weir\n";
}

std::string zsh_text(std::string text) {
  for (const char special : {'\'', '[', ']', ':'})
    for (auto at = text.find(special); at != text.npos; at = text.find(special, at + 4))
      text.replace(at, 1, special == '\'' ? "'\\''" : std::string("\\") + special);
  return text;
}

void print_zsh(CLI::App& app) {
  std::cout << "#compdef weir\n# made by `weir completion zsh`\n_weir() {\n  local -a verbs\n  verbs=(\n";
  for (const auto* verb : verbs_of(app)) std::cout << "    '" << verb->get_name() << ":" << zsh_text(verb->get_description()) << "'\n";
  std::cout << "  )\n  if (( CURRENT == 2 )); then _describe verb verbs; return; fi\n  case \"$words[2]\" in\n";
  for (auto* verb : verbs_of(app)) {
    std::cout << "    " << verb->get_name() << ") _arguments";
    for (const auto* option : verb->get_options())
      for (const auto& flag : flags_of(*option))
        std::cout << " '" << flag << "[" << zsh_text(option->get_description()) << "]"
                  << (option->get_items_expected_max() > 0 ? ": :_files" : "") << "'";
    const auto inner = names_of(verbs_of(*verb));
    const auto words = inner.empty() ? words_for(*verb) : inner;
    if (!words.empty()) std::cout << " '2: :(" << (words.front() == '$' ? "'\"" + words + "\"'" : words) << ")'";
    std::cout << (takes_files(*verb) ? " '*: :_files'" : "") << " ;;\n";
  }
  std::cout << "  esac\n}\n_weir \"$@\"\n";
}

/// Text for troff: nothing in it is a request or an escape.
std::string troff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '-') out += '\\';
    if (out.empty() && (c == '.' || c == '\'')) out += "\\&";
    out += c == '\\' ? 'e' : c;
  }
  return out;
}

void print_verb(CLI::App& verb, const std::string& name) {
  std::cout << ".SS " << troff(name);
  for (const auto* option : verb.get_options())
    if (option->get_positional()) std::cout << ' ' << troff(option->get_name());
  std::cout << "\n" << troff(verb.get_description()) << ".\n";
  for (const auto* option : verb.get_options()) {
    std::string names;
    for (const auto& flag : flags_of(*option)) names += (names.empty() ? "" : ", ") + flag;
    if (names.empty()) names = option->get_name();
    if (names == "--help, -h") continue;
    if (option->get_items_expected_max() > 0 && !option->get_positional()) names += " " + option->get_type_name();
    std::cout << ".TP\n.B " << troff(names) << "\n" << troff(option->get_description());
    if (!option->get_default_str().empty()) std::cout << " Default: " << troff(option->get_default_str()) << ".";
    std::cout << "\n";
  }
  for (auto* inner : verbs_of(verb)) print_verb(*inner, name + " " + inner->get_name());
}

void print_man(CLI::App& app) {
  std::cout << ".TH WEIR 1 \"\" \"weir " WEIR_VERSION
               "\" \"User Commands\"\n.SH NAME\nweir \\- serves workflows, and talks to servers that do\n"
               ".SH SYNOPSIS\n.B weir\n.I verb\n[options] [arguments]\n.SH DESCRIPTION\n"
            << troff(app.get_description()) << "\n.SH VERBS\n";
  for (auto* verb : verbs_of(app)) print_verb(*verb, verb->get_name());
  std::cout << ".SH SETTINGS\nEach setting of a server is a flag, an environment variable and a line of a configuration file.\n";
  for (const auto& setting : http::settings())
    std::cout << ".TP\n.B \\-\\-" << troff(std::string(setting.name)) << ", " << troff(http::environment_variable(setting)) << "\n"
              << troff(std::string(setting.description)) << "\n";
  std::cout << ".SH EXIT STATUS\n.nf\n" << troff(footer) << "\n.fi\n";
}

}  // namespace

void add_documentation_verbs(CLI::App& app, Chosen& chosen) {
  auto* completion = app.add_subcommand("completion", "Prints the completion for a shell: source <(weir completion bash)");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("SHELL", *shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  completion->callback([&app, &chosen, shell] {
    chosen = [&app, shell] {
      *shell == "bash" ? print_bash(app) : print_zsh(app);
      return exit_code::done;
    };
  });
  auto* man = app.add_subcommand("man", "Prints the manual page: weir man | man -l -");
  man->callback([&app, &chosen] {
    chosen = [&app] {
      print_man(app);
      return exit_code::done;
    };
  });
  // The documentation's table is made of the table that the server reads.
  auto* table = app.add_subcommand("settings", "Prints the table of a server's settings");
  table->callback([&chosen] {
    chosen = [] {
      std::cout << http::settings_table();
      return exit_code::done;
    };
  });
}

}  // namespace weir::cli
