// Libraries loaded when they are first needed. What few commands use would make all of them start later.
#pragma once

namespace bantam {

// Stays loaded until the program ends.
class SharedLibrary {
 public:
  // `name` is what the system's loader knows it by, `package` the one of Debian that has it. Throws Error naming both.
  SharedLibrary(const char* name, const char* package);

  // Where something of the library lies: turns into a pointer to whatever type it is given to.
  class Symbol {
   public:
    template <class F>
    operator F*() const {
      return reinterpret_cast<F*>(at_);
    }

   private:
    friend class SharedLibrary;
    explicit Symbol(void* at) : at_(at) {}
    void* at_;
  };
  // Throws Error naming the library and the symbol it lacks.
  Symbol find(const char* symbol) const;

 private:
  const char* name_;
  void* handle_;
};

}  // namespace bantam
