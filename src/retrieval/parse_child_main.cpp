// The child process of the tests: what `bantam __parse` is to the program.
#include "retrieval/sandbox.h"

int main(int argc, char** argv) { return bantam::run_parse_child(argc, argv); }
