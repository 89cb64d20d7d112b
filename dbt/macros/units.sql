{# Scaled integers into numbers for people; `i` is a row of staging_instruments. Dividing by a power of ten rounds once. #}
{% macro price(column) %}({{ column }} / i.price_steps){% endmacro %}
{% macro qty(column) %}({{ column }} / i.qty_steps){% endmacro %}

{# Quote currency that changed hands: inverse contracts are counted in it, others at the price. #}
{% macro turnover(price, volume) -%}
if(i.kind = 'inverse', {{ volume }}, {{ price }} * {{ volume }}) * i.contract_size
{%- endmacro %}
