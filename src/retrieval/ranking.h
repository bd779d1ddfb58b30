// The constants that decide the order of what search finds.
#pragma once

namespace bantam {

// BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009) over fields: a use in the title or heading
// counts as so many uses in the body. The best by that are read, and get a part of their best sentence's score and of
// the pairs of words that follow each other as in the query. Chosen on SQuAD-train and KorQuAD 2.1 questions in
// collections of 1,000 passages (bench/search_eval.cpp).
struct Ranking {
  float k1 = 1.2f, b = 0.75f;                   // of passages: saturation, length
  float title = 0.5f, heading = 0.5f;           // uses
  float sentence_k1 = 1.2f, sentence_b = 0.5f;  // of sentences
  float pair = 0.3f;                            // of the mean idf of two words that follow each other
  float passage_of_sentence = 0.3f;             // part of the best sentence's score in its passage's
  float sentence_of_passage = 0.3f;             // part of a passage's score in its sentences'
  float neighbour = 0.1f;                       // part of the better neighbour's score in a sentence's
};

}  // namespace bantam
