#include "base/shared_library.h"

#include <dlfcn.h>

#include "base/error.h"

namespace bantam {

SharedLibrary::SharedLibrary(const char* name, const char* package)
    : name_(name), handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) {
    throw Error("{}; install it, on Debian with: apt-get install {}", ::dlerror(), package);
  }
}

SharedLibrary::Symbol SharedLibrary::find(const char* symbol) const {
  void* const at = ::dlsym(handle_, symbol);
  if (at == nullptr) throw Error("{} has no {}: another version of it is wanted", name_, symbol);
  return Symbol(at);
}

}  // namespace bantam
