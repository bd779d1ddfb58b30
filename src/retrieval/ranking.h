// The constants that decide the order of what search finds.
#pragma once

namespace bantam {

// BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009) over fields: a use in the title or heading
// counts as so many uses in the body. The best by that are read: they gain for each word of the query in them, however
// often, and a part of their best sentence's score; sentences gain their passage's. Chosen on SQuAD-train, KorQuAD 2.1
// and Korean TyDi questions in collections of 1,000 passages (bench/search_eval.cpp); a share of the neighbouring
// sentences' scores did not help.
struct Ranking {
  float k1 = 0.9f, b = 0.75f;                   // of passages: saturation, length
  float title = 0.5f, heading = 0.5f;           // uses
  float sentence_k1 = 0.4f, sentence_b = 0.5f;  // of sentences
  float word_begin = 1.3f, word_end = 0.7f;     // of the idf of the first and last pair of a word of Hangul or Han
  float held = 1.0f;                            // of the idf of each word of the query that the passage holds
  float pair = 0.1f;                            // of the mean idf of two words that follow each other as in the query
  float passage_of_sentence = 0.6f;             // part of the best sentence's score in its passage's
  float sentence_of_passage = 1.0f;             // part of a passage's score in its sentences'
  // Of the best score by words, for the passage nearest in meaning; less for farther ones. Not fitted: there is no
  // trained embedder yet.
  float meaning = 0.5f;
  // A passage that shares more of its terms than this with a better one is left out; 1: none is.
  float repeated = 0.8f;
};

}  // namespace bantam
