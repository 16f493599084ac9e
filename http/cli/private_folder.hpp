// Folders and files that nobody but this user can have put there: what is loaded from them runs with his rights.
#pragma once

#include <filesystem>

namespace weir::cli {

/// Makes the folder, or looks at the one that is there. Throws std::runtime_error when it is a link, belongs to another user, or others may
/// write there; takes others' leave to read away.
void make_private_folder(const std::filesystem::path& folder);
/// A regular file of this user's that nobody else may write; no link. Throws std::runtime_error when something else is there. False when
/// there is nothing.
bool is_private_file(const std::filesystem::path& file);

}  // namespace weir::cli
